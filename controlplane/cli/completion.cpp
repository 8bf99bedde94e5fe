#include "controlplane/cli/completion.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <set>
#include <string>
#include <vector>

namespace pushmail::cli {

namespace {

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// One `case` of the script: what may stand behind the words of `path`.
struct Place {
  std::string path;  // " binding add"
  std::string words;
};

void add_options(const CLI::App& app, std::string& words, std::set<std::string>& with_value) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      words += " --" + name;
      if (option->get_items_expected_max() > 0) with_value.insert("--" + name);
    }
  }
}

void collect(const CLI::App& app, const std::string& path, const std::string& inherited, std::vector<Place>& places,
             std::set<std::string>& with_value) {
  std::string words;
  for (const CLI::App* verb : verbs_of(app)) words += " " + verb->get_name();
  std::string options = inherited;
  add_options(app, options, with_value);
  places.push_back({path, (words + options).substr(1)});
  // The root's options may stand anywhere, and those of help are every verb's own.
  std::string passed_on;
  if (path.empty()) passed_on = " --root --json";
  for (const CLI::App* verb : verbs_of(app))
    collect(*verb, path + " " + verb->get_name(), path.empty() ? passed_on : inherited, places, with_value);
}

}  // namespace

void print_completion(const CLI::App& app, Shell shell, std::ostream& out) {
  std::vector<Place> places;
  std::set<std::string> with_value;
  collect(app, "", "", places, with_value);
  std::string cases;
  for (const Place& place : places) cases += fmt::format("    '{}') words='{}' ;;\n", place.path, place.words);
  const std::string valued = fmt::format("{}", fmt::join(with_value, "|"));
  // Both count the words before the one that is typed, without options and their values. Behind an option with a value, and where no word
  // of ours fits, files are offered.
  if (shell == Shell::bash) {
    out << "# Made by `pushmailctl completion bash`.\n"
           "_pushmailctl() {\n  local path='' words='' i\n  for ((i = 1; i < COMP_CWORD; i++)); do\n    case \"${COMP_WORDS[i]}\" in\n     "
           " "
        << valued
        << ") ((i++)) ;;\n      -*) ;;\n      *) path+=\" ${COMP_WORDS[i]}\" ;;\n    esac\n  done\n  COMPREPLY=()\n  ((i == COMP_CWORD)) "
           "|| return 0\n"
           "  case \"$path\" in\n"
        << cases
        << "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _pushmailctl "
           "pushmailctl\n";
    return;
  }
  out << "#compdef pushmailctl\n# Made by `pushmailctl completion zsh`.\n"
         "local found='' wanted='' i\nfor ((i = 2; i < CURRENT; i++)); do\n  case \"${words[i]}\" in\n    "
      << valued
      << ") ((i++)) ;;\n    -*) ;;\n    *) found+=\" ${words[i]}\" ;;\n  esac\ndone\nif ((i != CURRENT)); then\n  _files\n  return\nfi\n"
         "case \"$found\" in\n";
  for (const Place& place : places) out << fmt::format("    '{}') wanted='{}' ;;\n", place.path, place.words);
  out << "esac\ncompadd -- ${=wanted} || _files\n";
}

}  // namespace pushmail::cli
