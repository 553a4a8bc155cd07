// Stops with one sentence on a Node too old for Hardhat 3. Plain old JavaScript on purpose: the old Node must be able to run it.
var needed = [22, 13];
var found = process.versions.node.split(".").map(Number);
var command = process.env.npm_lifecycle_event === "test" ? "npm test" : "npm start";

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  console.error(
    [
      "Backstop needs Node " + needed.join(".") + " or later and found " + process.versions.node,
      'run it with: npx --yes --package node@24 --call "npm ci && ' + command + '"',
    ].join("; ")
  );
  process.exit(1);
}
