// The policy: normalised observation and goal through dense layers, for the body and for its mirror image.

const ACTIVATIONS = {
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  relu: (x) => Math.max(x, 0),
  swish: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
};
const SQUASHES = { tanh: Math.tanh, clip: (x) => Math.min(1, Math.max(-1, x)) };

export class Policy {
  // Takes the `network` of policy.json, and policy.bin as a Float32Array.
  constructor(network, weights) {
    let read = 0;
    const next = (count) => weights.subarray(read, (read += count));
    const layer = ({ inputs, outputs }) => ({ kernel: next(inputs * outputs), bias: next(outputs) });
    this.network = network;
    this.mean = next(network.observation_size);
    this.deviation = next(network.observation_size);
    this.encoder = network.goal_encoder.map(layer);
    this.layers = network.layers.map(layer);
    if (read !== weights.length) throw new Error(`policy.bin has ${weights.length} numbers instead of ${read}`);
  }

  // Return the deterministic action, in [-1, 1], for an observation and a goal in their own units.
  act(observation, goal) {
    const { asked, mirror, squash } = this.network;
    goal = [...asked, ...goal];
    let raw = this.raw(observation, goal);
    if (mirror) {
      const image = this.raw(reflected(observation, mirror.observation), reflected(goal, mirror.goal));
      const back = reflected(image, mirror.action);
      raw = raw.map((x, i) => (x + back[i]) / 2);
    }
    return raw.map(SQUASHES[squash]);
  }

  raw(observation, goal) {
    const clip = this.network.clip ?? Infinity;
    const seen = Array.from(observation, (x, i) => {
      return Math.min(clip, Math.max(-clip, (x - this.mean[i]) / this.deviation[i]));
    });
    const code = this.encoder.length ? this.run(this.encoder, goal) : goal;
    return this.run(this.layers, [...seen, ...code]);
  }

  run(layers, inputs) {
    const activation = ACTIVATIONS[this.network.activation];
    return layers.reduce((x, layer, i) => {
      const outputs = dense(layer, x);
      return i < layers.length - 1 ? outputs.map(activation) : outputs;
    }, inputs);
  }
}

function dense({ kernel, bias }, inputs) {
  const outputs = Float64Array.from(bias);
  const size = outputs.length;
  for (let i = 0; i < inputs.length; i++) {
    for (let j = 0; j < size; j++) outputs[j] += inputs[i] * kernel[i * size + j];
  }
  return outputs;
}

function reflected(values, { order, sign }) {
  return order.map((from, i) => sign[i] * values[from]);
}
