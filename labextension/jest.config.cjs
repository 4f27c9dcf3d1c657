// Jupyter's packages are modules that Node.js cannot run as they are: all of them are compiled.
const compile = [
  '@swc/jest',
  {
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' }
  }
];

module.exports = {
  testEnvironment: 'jsdom',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: { '\\.(t|j|mj)sx?$': compile },
  transformIgnorePatterns: [],
  moduleNameMapper: {
    '\\.(css|svg)$': '<rootDir>/test/nothing.cjs',
    '^@jupyterlab/(application|codemirror|filebrowser|notebook|running|statusbar)$':
      '<rootDir>/test/tokens.cjs'
  },
  setupFiles: ['<rootDir>/test/browser.cjs'],
  restoreMocks: true
};
