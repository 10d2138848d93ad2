export {
  WebGLRenderer, Scene, PerspectiveCamera, Color, Fog, HemisphereLight, DirectionalLight, Mesh, Group,
  CapsuleGeometry, SphereGeometry, CylinderGeometry, BoxGeometry, PlaneGeometry,
  MeshLambertMaterial, MeshBasicMaterial, ShadowMaterial,
  CanvasTexture, RepeatWrapping, SRGBColorSpace, Vector3, PCFShadowMap,
} from "three";
export { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
