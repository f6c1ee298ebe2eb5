packages/one/index.js
