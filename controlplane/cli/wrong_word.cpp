#include "controlplane/cli/wrong_word.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "core/nearest_word.h"

namespace pushmail::cli {

namespace {

// Options of the nouns before a verb may stand behind it too.
const CLI::Option* option_of(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const CLI::Option* option = app->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

std::string unknown_option(const CLI::App* app, const std::string& name) {
  NearestWord nearest(name);
  for (const CLI::App* at = app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& known : option->get_lnames()) nearest.offer("--" + known);
    }
  }
  return "unknown option " + name + nearest.suggestion();
}

std::string unknown_word(const CLI::App* app, const std::string& path, const std::string& word) {
  NearestWord nearest(word);
  for (const CLI::App* known : app->get_subcommands([](const CLI::App*) { return true; })) nearest.offer(known->get_name());
  const std::string suggestion = nearest.suggestion();
  const std::string help = suggestion.empty() ? "; `pushmailctl " + path + "--help` lists them" : suggestion;
  return "unknown word \"" + word + "\"" + help;
}

}  // namespace

std::optional<std::string> wrong_word(CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* at = &app;
  std::string path;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") break;
    if (word.starts_with('-') && word.size() > 1) {
      const std::size_t equals = word.find('=');
      const CLI::Option* option = option_of(at, word.substr(0, equals));
      if (option == nullptr) return unknown_option(at, word.substr(0, equals));
      if (option->get_items_expected_max() > 0 && equals == std::string::npos) ++i;
      continue;
    }
    const auto verbs = at->get_subcommands([](const CLI::App*) { return true; });
    if (verbs.empty()) continue;
    const auto verb = std::ranges::find_if(verbs, [&](const CLI::App* known) { return known->get_name() == word; });
    if (verb == verbs.end()) return unknown_word(at, path, word);
    at = *verb;
    path += word + " ";
  }
  return std::nullopt;
}

}  // namespace pushmail::cli
