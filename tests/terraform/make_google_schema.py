"""Writes `google_schema.json.gz`: the names and types of the Google provider's resources that `terraform/` uses.

    pip download cdktf-cdktf-provider-google==16.12.1 --no-deps
    # unzip it, and unpack _jsii/provider-google@16.12.1.jsii.tgz in it
    python -m tests.terraform.make_google_schema package/.jsii

The package describes release 6.50 of the provider for other languages. It knows which attributes exist, which are
required and of what type they are; it does not know which values are allowed.
"""

import gzip
import json
import re
import sys
from pathlib import Path

SCHEMA = Path(__file__).with_name("google_schema.json.gz")
RESOURCES = """
    artifact_registry_repository artifact_registry_repository_iam_member billing_budget compute_network compute_router
    compute_router_nat compute_subnetwork container_cluster container_node_pool dns_managed_zone dns_record_set
    monitoring_notification_channel project_iam_member project_service service_account service_account_iam_member
    storage_bucket storage_bucket_iam_member
""".split()
DATA_SOURCES = ["project"]
OF_TERRAFORM = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners"}
PACKAGE = "@cdktf/provider-google."
PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}


class Reader:
    """Turns the package's description of classes into schemas of blocks."""

    def __init__(self, types):
        self._types = types

    def resource(self, module, name):
        """The block of a resource or data source: what can be set, and what Google sets."""
        class_name = f"{PACKAGE}{module}.{name}"
        block = self.block(f"{class_name}Config", top=True)
        known = {each[0] for each in block["attributes"] + block["blocks"]}
        for each in block["attributes"]:
            each[2] = "required" if each[2] == "required" else "optional or computed"
        for each in self._types[class_name].get("properties", []):
            attribute = underscored(each["name"])
            if each.get("static") or attribute.endswith("_input") or attribute in known | OF_TERRAFORM:
                continue
            if kind := self._computed(each["type"]):
                block["attributes"].append([attribute, kind, "computed"])
        return block

    def block(self, class_name, seen=(), top=False):
        """Attributes as (name, type, mode), and nested blocks as (name, block, may be repeated, required)."""
        attributes, blocks = [], []
        for each in self._types[class_name].get("properties", []):
            name, required = documented_name(each), not each.get("optional")
            if top and name in OF_TERRAFORM:
                continue
            is_block, found, many = self._kind(each["type"])
            if not is_block:
                attributes.append([name, found, "required" if required else "optional"])
            elif found not in seen:
                blocks.append([name, self.block(found, (*seen, found)), many, required])
        return {"attributes": attributes, "blocks": blocks}

    def _kind(self, of):
        """Whether a type is a block, the block's class or the attribute's type, and whether it may be repeated."""
        if "primitive" in of:
            return False, PRIMITIVES[of["primitive"]], False
        if "collection" in of:
            is_block, found, _ = self._kind(of["collection"]["elementtype"])
            return is_block, found if is_block else [of["collection"]["kind"].replace("array", "list"), found], True
        if "union" in of:
            own = [each for each in of["union"]["types"] if not each.get("fqn", "").startswith("cdktf.")]
            return self._kind(own[0])
        is_block = of["fqn"].startswith(PACKAGE)
        return is_block, of["fqn"] if is_block else "dynamic", False

    @staticmethod
    def _computed(of):
        ours = of.get("fqn", "").startswith((PACKAGE, "cdktf"))
        return {"string": "string", "number": "number"}.get(of.get("primitive")) or ("dynamic" if ours else None)


def documented_name(each):
    """The attribute's name in Terraform, which stands in the link of its documentation."""
    found = re.search(r"#([a-z0-9_]+) \w+#", json.dumps(each.get("docs", {})))
    return found[1] if found else underscored(each["name"])


def underscored(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def camel(name):
    return "".join(word.capitalize() for word in name.split("_"))


def module_of(name):
    return camel(name)[0].lower() + camel(name)[1:]


def main(source):
    reader = Reader(json.loads(Path(source).read_bytes())["types"])
    data = {
        f"google_{x}": reader.resource(module_of(f"data_google_{x}"), camel(f"data_google_{x}")) for x in DATA_SOURCES
    }
    schema = {
        "provider": reader.block(f"{PACKAGE}provider.GoogleProviderConfig"),
        "resources": {f"google_{x}": reader.resource(module_of(x), camel(x)) for x in RESOURCES},
        "data_sources": data,
    }
    SCHEMA.write_bytes(gzip.compress(json.dumps(schema, separators=(",", ":")).encode(), mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
