// Lists the routes and schemas of /openapi.json.

const { info, paths, components } = await (await fetch("/openapi.json")).json();

function add(parent, name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  document.getElementById(parent).append(made);
}

document.querySelector("h1").textContent = `${info.title}: HTTP API`;
document.getElementById("about").textContent = info.description;
for (const [path, methods] of Object.entries(paths)) {
  for (const [method, { description, requestBody, responses }] of Object.entries(methods)) {
    add("routes", "h3", `${method.toUpperCase()} ${path}`);
    add("routes", "p", description);
    const sent = requestBody?.content["application/json"].schema.$ref;
    if (sent) add("routes", "p", `sends ${sent.split("/").pop()}`);
    const got = responses["200"].content["application/json"].schema.$ref;
    add("routes", "p", `answers ${got.split("/").pop()}; else ${Object.keys(responses).filter((x) => x !== "200").join(", ")}`);
  }
}
for (const [name, schema] of Object.entries(components.schemas)) {
  add("schemas", "h3", name);
  if (schema.description) add("schemas", "p", schema.description);
  add("schemas", "pre", JSON.stringify(schema.properties, null, 2));
}
