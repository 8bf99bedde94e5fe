// pushmailctl.
#include <iostream>

#include "controlplane/cli/cli.h"

int main(int argc, char** argv) {
  return pushmail::cli::run(std::vector<std::string>(argv + 1, argv + argc), {std::cin, std::cout, std::cerr});
}
