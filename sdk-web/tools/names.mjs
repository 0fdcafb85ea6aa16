/**
 * Which names of ours need not keep their spelling in the bundles.
 *
 * What `ts/types.ts` declares is internal: the state that the shell's files share. Such a name is shortened if the
 * compiler resolves every use of it as a property, in every file of `ts`, to a declaration there. One use that is
 * something else's (a platform's `map.keys()`, an option of `init`, a member of the wire), or that is quoted, keeps the
 * name as it is. So nothing has to be listed, and a mistake costs bytes, not function.
 */
import path from 'node:path';

import * as ast from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

/** By name what it is shortened to, in every bundle alike. `folder` has a `tsconfig.json` and `ts/types.ts`. */
export const shortNames = (folder) => {
  const api = new API({ cwd: folder });
  try {
    const [{ checker, program }] = api.updateSnapshot({ openProjects: [path.join(folder, 'tsconfig.json')] }).getProjects();
    const files = program.getSourceFileNames().filter((name) => name.startsWith(path.join(folder, 'ts') + path.sep));
    /** By name: where it is a property. */
    const uses = new Map();
    /** By name: where it is one that `types.ts` declares. */
    const ours = new Map();
    const add = (map, name, place) => map.set(name, (map.get(name) ?? new Set()).add(place));
    for (const file of files) {
      walk(program.getSourceFile(file), (node) => {
        const name = propertyName(node);
        if (name) add(uses, name.text, `${file}:${name.end}`);
        if (path.basename(file) !== 'types.ts' || !ast.isInterfaceDeclaration(node)) return;
        for (const member of node.members) {
          if (!member.name) continue;
          for (const { references } of checker.getReferencedSymbolsForNode(member.name, member.name.end)) {
            for (const reference of references) {
              const found = reference.resolve();
              if (found && ast.isIdentifier(found))
                add(ours, member.name.text, `${found.getSourceFile().fileName}:${found.end}`);
            }
          }
        }
      });
    }
    const internal = [...ours.keys()]
      .filter((name) => [...(uses.get(name) ?? [])].every((place) => ours.get(name).has(place)))
      .sort((a, b) => ours.get(b).size - ours.get(a).size || (a < b ? -1 : 1));
    // An object may have properties of both kinds.
    const free = words().filter((word) => !uses.has(word));
    return Object.fromEntries(internal.map((name, at) => [name, free[at]]));
  } finally {
    api.close();
  }
};

const walk = (node, visit) => {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
};

/** The property's name that this node is or has, where it has a value: what is only a type is gone when it runs. */
const propertyName = (node) => {
  if (ast.isPropertyAccessExpression(node)) return node.name;
  if (ast.isElementAccessExpression(node)) return quoted(node.argumentExpression);
  if (ast.isBinaryExpression(node)) return node.operatorToken.kind === ast.SyntaxKind.InKeyword ? quoted(node.left) : undefined;
  if (ast.isBindingElement(node)) return ast.isObjectBindingPattern(node.parent) ? (node.propertyName ?? node.name) : undefined;
  if (ast.isPropertyAssignment(node) || ast.isShorthandPropertyAssignment(node)) return node.name;
  if (ast.isMethodDeclaration(node) || ast.isPropertyDeclaration(node)) return node.name;
  return undefined;
};

const quoted = (node) => (ast.isStringLiteral(node) || ast.isNoSubstitutionTemplateLiteral(node) ? node : undefined);

/** Words of one letter and of two. In the order in which the minifier hands out letters, which compresses best. */
const words = () => {
  const letters = [...'etnrisoaclhdupmgfyvbkwxjqz'];
  return [...letters, ...letters.flatMap((first) => letters.map((second) => first + second))];
};
