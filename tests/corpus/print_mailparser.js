// Prints what mailparser makes of mails, in the same form as print.cpp.
// Usage: node print_mailparser.js NODE_MODULES FILE...
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const { MailParser } = require(path.join(path.resolve(process.argv[2]), "mailparser"));

// mailparser keeps no bytes of a text part: they are hashed on their way out of its transfer decoder.
class Listening extends MailParser {
  createNode(node) {
    const made = super.createNode(node);
    if (made.decoder) {
      const hash = crypto.createHash("sha256");
      const push = made.decoder.push.bind(made.decoder);
      made.decoder.push = (chunk, ...rest) => {
        if (chunk) hash.update(chunk);
        else if (!made.sha256) made.sha256 = hash.digest("hex");
        return push(chunk, ...rest);
      };
    }
    return made;
  }
}

function partsOf(tree) {
  const parts = [];
  const waiting = [{ node: tree, depth: 0 }];
  while (waiting.length) {
    const { node, depth } = waiting.pop();
    const part = { depth, type: (node.contentType || "text/plain").toLowerCase(), name: node.node.filename || "" };
    if (!node.children.length) {
      if (node.sha256) part.sha256 = node.sha256;
      if (typeof node.textContent === "string") part.text = node.textContent;
    }
    parts.push(part);
    for (const child of [...node.children].reverse()) waiting.push({ node: child, depth: depth + 1 });
  }
  return parts;
}

function parse(file) {
  return new Promise(resolve => {
    const parser = new Listening({ keepDeliveryStatus: true });
    const fail = error => resolve({ file, error: String(error), parts: [] });
    parser.on("data", data => {
      if (data.type === "attachment") {
        data.content.on("data", () => {});
        data.content.on("end", () => data.release());
      }
    });
    parser.on("error", fail);
    parser.on("end", () => {
      try {
        resolve({ file, parts: partsOf(parser.tree) });
      } catch (error) {
        fail(error);
      }
    });
    parser.end(fs.readFileSync(file));
  });
}

(async () => {
  for (const file of process.argv.slice(3)) {
    const late = new Promise(resolve => setTimeout(() => resolve({ file, error: "did not end", parts: [] }), 20000).unref());
    process.stdout.write(JSON.stringify(await Promise.race([parse(file), late])) + "\n");
  }
  process.exit(0);
})();
