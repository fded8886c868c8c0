import { builtinModules } from "node:module";
import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Which folder may import which: the architecture, kept by the linter. */
const mayImport = {
  model: [],
  stats: ["model"],
  remote: ["model"],
  hypervisors: ["model", "remote"],
  generators: ["model", "remote"],
  probes: ["model", "remote"],
  power: ["model", "remote"],
  store: ["model"],
  report: ["model", "stats", "store"],
  services: ["model"],
  lab: ["model", "remote", "power", "hypervisors", "generators", "probes", "store"],
  activities: ["model", "stats", "remote", "hypervisors", "generators", "probes", "power", "store"],
  workflows: ["model", "stats"],
  workers: [
    "model",
    "stats",
    "remote",
    "hypervisors",
    "generators",
    "probes",
    "power",
    "store",
    "services",
    "lab",
    "activities",
    "workflows",
  ],
  cli: [
    "model",
    "stats",
    "remote",
    "hypervisors",
    "generators",
    "power",
    "store",
    "report",
    "lab",
    "services",
  ],
};
/** Folders whose types alone may be imported: they are no dependency at run time. */
const mayImportTypes = { workflows: ["activities"], activities: ["workflows"], cli: ["workflows"] };
const folders = Object.keys(mayImport);

const importLaw = folders.map((folder) => {
  const typesOnly = mayImportTypes[folder] ?? [];
  const never = folders.filter(
    (other) => other !== folder && !mayImport[folder].includes(other) && !typesOnly.includes(other),
  );
  const group = (names) => names.flatMap((name) => [`../${name}/**`, `../../${name}/**`]);
  return {
    files: [`${folder}/**/*.ts`],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: group(never),
              message: `${folder} imports only ${mayImport[folder].join(", ") || "nothing of the project"}: see ARCHITECTURE.md.`,
            },
            ...(typesOnly.length > 0
              ? [
                  {
                    group: group(typesOnly),
                    allowTypeImports: true,
                    message: `${folder} may import only types of ${typesOnly.join(", ")}.`,
                  },
                ]
              : []),
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  { ignores: ["node_modules/", ".longhaul/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "no-empty": ["error", { allowEmptyCatch: false }],
      "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true, named: true } }],
    },
  },
  ...importLaw,
  {
    files: ["workflows/**/*.ts"],
    rules: {
      "no-restricted-globals": ["error", "process", "fetch", "Buffer"],
      "no-restricted-imports": [
        "error",
        { paths: builtinModules.flatMap((name) => [name, `node:${name}`]) },
      ],
    },
  },
  {
    files: ["model/**/*.ts", "stats/**/*.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "a seed is an argument" },
        { object: "Date", property: "now", message: "the time is an argument" },
      ],
    },
  },
  { files: ["test/**/*.ts"], rules: { "@typescript-eslint/require-await": "off" } },
  { files: ["vitest.config.ts"], rules: { "no-restricted-exports": "off" } },
  {
    // Files without an extension are linted only where they are named.
    files: ["bin/longhaul", "bin/longhaul-demo", "bin/longhaul-test", "**/*.js"],
    languageOptions: {
      globals: {
        process: "readonly",
        console: "readonly",
        URL: "readonly",
        setTimeout: "readonly",
      },
    },
  },
);
