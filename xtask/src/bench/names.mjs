// node --import THIS tools/optimise.mjs LINKED.wasm SMALL.wasm
//
// The package's own optimiser, which also prints the names of the functions in their order, as a JSON list, right before
// they are stripped. Imported before it, with the package's folder as the current one.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const { default: binaryen } = await import(pathToFileURL(resolve('node_modules/binaryen/index.js')));

const named = (module) =>
  Array.from({ length: module.getNumFunctions() }, (_, n) => binaryen.getFunctionInfo(module.getFunctionByIndex(n)).name);

const { readBinary } = binaryen;
binaryen.readBinary = (bytes) => {
  const module = readBinary(bytes);
  const { runPasses } = module;
  module.runPasses = (passes) => {
    for (const pass of passes) {
      if (pass === 'strip-debug') console.log(JSON.stringify(named(module)));
      runPasses.call(module, [pass]);
    }
  };
  return module;
};
