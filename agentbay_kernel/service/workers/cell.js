// Runs the JavaScript on stdin; its value or error goes as a JSON line to the descriptor it is given.
"use strict";
const fs = require("fs");
const util = require("util");
const vm = require("vm");

globalThis.require = require("module").createRequire(process.cwd() + "/");
const verdict = Number(process.argv.pop());
const tell = (message) => fs.writeSync(verdict, JSON.stringify(message) + "\n");
const fail = (error) => {
  const known = error instanceof Error || (error && error.stack);
  tell({
    code: known ? String(error.name) : "Error",
    message: known ? String(error.message) : util.inspect(error),
    traceback: (known ? String(error.stack) : util.inspect(error))
      .split(/\n    at Script\.runInThisContext/)[0]
      .split("\n"),
  });
  process.exitCode = 1;
};
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
try {
  const value = vm.runInThisContext(fs.readFileSync(0, "utf8"), { filename: "cell.js" });
  if (value !== undefined && !util.types.isPromise(value)) tell({ value: util.inspect(value) });
} catch (error) {
  fail(error);
}
