packages/three/index.js
