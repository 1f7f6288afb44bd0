# Shapes of cluster modules: pools made into nodes, defaults behind defaults, tokens, machine files, version rules.
variable "cluster_name" {
  type    = string
  default = "gpu-fra"
  validation {
    condition     = can(regex("^[a-z](?:[-a-z0-9]{0,18}[a-z0-9])?$", var.cluster_name))
    error_message = "The name \"${var.cluster_name}\" is not a DNS label of at most 20 characters."
  }
}
variable "pools" {
  type = list(object({
    name        = string
    server_type = string
    location    = string
    labels      = optional(list(string), [])
    taints      = optional(list(string), [])
    swap_size   = optional(string, "")
    count       = optional(number, null)
    floating_ip = optional(bool)
    selinux     = optional(bool, true)
    nodes = optional(map(object({
      server_type               = optional(string)
      location                  = optional(string)
      labels                    = optional(list(string))
      taints                    = optional(list(string))
      append_index_to_node_name = optional(bool, true)
    })))
  }))
  default = [
    { name = "system", server_type = "cx", location = "fra1", count = 2, labels = ["a=b"], swap_size = "2G" },
    { name = "gpu", server_type = "h100", location = "fra2", nodes = { "0" = {}, "7" = { location = "fra3", labels = ["x=y"], append_index_to_node_name = false } } },
  ]
  validation {
    condition = length(
      [for p in var.pools : p.name]
      ) == length(
      distinct(
        [for p in var.pools : p.name]
      )
    )
    error_message = "Names in pools must be unique."
  }
  validation {
    condition     = alltrue([for p in var.pools : (p.count == null) != (p.nodes == null)])
    error_message = "Set either nodes or count per pool, not both."
  }
}
variable "node_groups" {
  type = any
  default = {
    one = { min_size = 2, labels = { tier = "a" }, instance_types = ["m5.large"], taints = [{ key = "k", effect = "NO_SCHEDULE" }] }
    two = { name = "second", tags = { x = "y" } }
  }
}
variable "group_defaults" {
  type = any
  default = {
    max_size      = 10
    instance_types = ["c5.large", "c5.xlarge"]
  }
}
variable "kubernetes_version" {
  type    = string
  default = "1.31.2"
  validation {
    condition     = var.kubernetes_version == null || can(regex("^v?\\d+\\.\\d+(\\.\\d+)?$", var.kubernetes_version))
    error_message = "A version is like 1.31 or 1.31.2."
  }
}
variable "channel" {
  type    = string
  default = null
}
variable "install_version" {
  type        = string
  default     = ""
  description = <<DESC
Empty: the channel's newest.
DESC
}
variable "dns_servers" {
  type    = list(string)
  default = ["1.1.1.1", "2606:4700::1111"]
}
variable "environment" {
  type    = map(string)
  default = { HTTP_PROXY = "http://p:3128", "A" = "1 2" }
}
variable "workspace" {
  type = object({ id = string, name = string, location = optional(string) })
  default = { id = "/subscriptions/0000/resourceGroups/rg1/providers/X/ws/w1", name = "w1" }
}
variable "vms" {
  type = map(any)
  default = {
    cp1 = { ip = "10.0.0.1", talos = { role = "control-plane" } }
    w1  = { ip = "10.0.0.2", talos = { role = "worker" } }
  }
}
variable "token" {
  type      = string
  sensitive = true
  default   = "s3cr3t"
}
variable "enable" {
  type    = object({ csi = bool, ccm = bool, dns = optional(bool, false) })
  default = { csi = true, ccm = false }
}

locals {
  swap_label = ["node.kubernetes.io/server-swap=enabled"]
  control_plane_nodes = merge([
    for pool_index, pool in var.pools : {
      for node_index in range(coalesce(pool.count, 0)) :
      format("%s-%s-%s", pool_index, node_index, pool.name) => {
        pool_name : pool.name,
        server_type : pool.server_type,
        floating_ip : lookup(pool, "floating_ip", false),
        labels : concat(["role=node"], pool.swap_size != "" ? local.swap_label : [], pool.labels),
        taints : concat([], pool.taints),
        index : node_index
        selinux : pool.selinux
      }
    }
  ]...)
  nodes_from_maps = merge([
    for pool_index, pool in var.pools : {
      for key, node in coalesce(pool.nodes, {}) :
      format("%s-%s-%s", pool_index, key, pool.name) => merge(
        {
          location : pool.location,
          labels : concat(pool.swap_size != "" ? local.swap_label : [], pool.labels),
          index : floor(tonumber(key)),
        },
        { for k, v in node : k => v if v != null },
        {
          labels : concat(pool.labels, coalesce(node.labels, [])),
        },
        (
          node.append_index_to_node_name ? { node_name_suffix : "-${floor(tonumber(key))}" } : {}
        )
      )
    }
  ]...)
  total = sum(concat([for p in var.pools : length(coalesce(p.nodes, {})) + (p.count != null ? p.count : 0)], [0]))

  groups = { for k, v in var.node_groups : k => {
    name           = try(v.name, k)
    min_size       = try(v.min_size, var.group_defaults.min_size, 1)
    max_size       = try(v.max_size, var.group_defaults.max_size, 3)
    instance_types = try(v.instance_types, var.group_defaults.instance_types, null)
    labels         = try(v.labels, var.group_defaults.labels, null)
    taints         = { for t in try(v.taints, []) : t.key => "${try(t.value, "")}:${t.effect}" }
    description    = try(v.description, var.group_defaults.description, "Template for ${try(v.name, k)} group")
    tags           = merge({ "kubernetes.io/cluster/${var.cluster_name}" = "owned" }, try(v.tags, var.group_defaults.tags, {}))
  } if try(v.create, true) }

  version_parts = split(".", trimprefix(var.kubernetes_version, "v"))
  minor         = tonumber(element(local.version_parts, 1))
  at_least_130  = tonumber(local.version_parts[0]) > 1 || (tonumber(local.version_parts[0]) == 1 && local.minor >= 30)
  channel_check = var.channel == null ? true : (
    (contains(["patch"], var.channel) && can(regex("^[0-9]{1,}\\.[0-9]{1,}$", var.kubernetes_version))) ||
    (contains(["rapid", "stable", "node-image"], var.channel) && var.kubernetes_version == null)
  )
  install_command = "curl -sfL https://get.example | %{if var.install_version == ""}CHANNEL=${coalesce(var.channel, "stable")}%{else}VERSION=${var.install_version}%{endif} EXEC='%s' sh -"
  install         = [for role in ["server", "agent"] : format(local.install_command, "${role} --cluster-init")]

  dns4 = [for ip in var.dns_servers : ip if can(cidrnetmask("${ip}/32"))]
  dns6 = [for ip in var.dns_servers : ip if !can(regex("^[0-9.]+$", ip))]
  env = join("\n",
    [
      for name, value in var.environment :
      "${name}=\"${value}\""
    ]
  )
  install_env = <<-EOT
  cat >> /etc/environment <<EOF
  ${local.env}
  EOF
  set -a; source /etc/environment; set +a;
  EOT
  commands = concat(
    [
      "set -ex",
      # first the folder
      "mkdir -p /etc/rancher",
      "[ -e /etc/rancher/k3s.yaml ] && exit 0",
      local.install_env,
    ],
    length(local.dns4) > 0 ? [
      join("\n", compact([
        "# Wait",
        "IFACE=$(ip route show | awk '/^default/ {for(i=1;i<=NF;i++) if($i==\"dev\") {print $(i+1); exit}}')",
        length(local.dns4) > 0 ? "  nmcli con mod \"$CONN\" ipv4.dns ${join(",", local.dns4)}" : "",
        length(local.dns6) > 8 ? "never" : "",
        "echo $${HOME} %%{not} $$$",
      ]))
    ] : [],
  )
  motd = [<<-EOT
# left edge
if [ -f /x ]; then
  echo "100%"
fi
EOT
  ]
  args = [
    "initrd=img.gz",
    "config.url=http://m/ignition?uuid=$${uuid}&mac=$${mac:hexhyp}",
  ]
  etcd = join(",", formatlist("%s=https://%s:2380", keys(var.vms), [for v in var.vms : v.ip]))

  control_planes = {
    for name, vm in var.vms :
    name => vm
    if try(vm.talos.role, "") == "control-plane"
  }
  endpoint = values(local.control_planes)[0].ip
  patches = compact([
    yamlencode({
      machine = {
        install = { disk = "/dev/sda", wipe = false, }
        time    = { servers = [for key, value in { b = "t2", a = "t1" } : value] }
        sysctls = {
          "vm.nr_hugepages"                = "1024"
          "net.ipv4.conf.all.log_martians" = "1",
        }
        encryption = var.enable.csi ? { state = { provider = "luks2", keys = [{ slot = 0, tpm = {} }] } } : null
        nodeLabels = { for key, value in { "a/b" = "", c = true } : key => value }
        multi      = "a\nb\n"
      }
    }),
    coalesce(try(var.enable.size, null), 0) > 0 ?
    yamlencode({ size = 1 }) : null,
    var.enable.dns ? "dns" : "",
  ])
  resources = concat(
    var.enable.ccm ? ["ccm.yaml"] : ["https://github.com/x/${var.kubernetes_version}/ccm.yaml"],
    var.enable.csi ? [] : ["csi.yaml"],
    lookup({ nginx = ["nginx.yaml"], none = [] }, "traefik", []),
    lookup({ flannel = ["f.yaml"] }, "flannel", []),
  )

  workspace = var.workspace != null ? (
    # given: use it
    var.workspace.location == null ? {
      # without a place
      id       = var.workspace.id
      name     = var.workspace.name
      location = "default"
      rg       = null
      } : {
      id       = var.workspace.id
      name     = var.workspace.name
      location = var.workspace.location
      rg       = split("/", var.workspace.id)[4]
    }
  ) : null # off
  segments = try(split("/", var.workspace.id), [])
  rg       = try(local.segments[4], null)
  subnets = merge({ for k, v in merge(
    [
      for key, pool in var.vms : {
        "${key}-net" : try(pool.net, null),
        "${key}-pod" : pool.ip,
      }
    ]...) : k => v if v != null }, var.workspace == null ? {} : {
    "ws" : {
      id = var.workspace.id
    }
  })
  name         = try(coalesce(var.channel, trim("${var.cluster_name}-", "-")), "aks")
  kubeconfig   = yamlencode({ users = [{ name = "u", user = { token = var.token } }] })
  token_hash   = sha256(var.token)
  auth         = base64encode("u:${var.token}")
  public_token = nonsensitive(md5(var.token))
  is_secret    = [issensitive(var.token), issensitive(local.auth), issensitive(local.public_token), issensitive(var.enable)]
  qualifiers   = zipmap(["current", "alias"], [var.enable.csi ? true : null, var.enable.ccm ? true : null])
  flags        = { for k, v in local.qualifiers : k => v if v == true }
  max_pods     = max([for p in concat(var.pools, [{ name = "" }]) : length(p.name)]...)
  zone_ids     = one([for p in var.pools : p.location if p.name == "gpu"])
}

resource "terraform_data" "node" {
  for_each = merge(local.control_plane_nodes, local.nodes_from_maps)
  input    = { name = "${var.cluster_name}-${each.key}", index = each.value.index, labels = each.value.labels }
  lifecycle {
    precondition {
      condition     = each.value.index >= 0
      error_message = "The index of ${each.key} is ${each.value.index}."
    }
    postcondition {
      condition     = startswith(self.output.name, var.cluster_name)
      error_message = "The name lost its cluster."
    }
    ignore_changes = [input.labels]
  }
}
resource "terraform_data" "kubeconfig" {
  count = length(local.endpoint) > 0 ? 1 : 0
  input = { host = "https://${local.endpoint}:6443", names = sort([for n in terraform_data.node : n.output.name]) }
}
output "names" {
  value = values(terraform_data.node)[*].output.name
}
output "kubeconfig" {
  value     = { host = local.endpoint, token = var.token }
  sensitive = true
}
output "labels" {
  value = { for k, n in terraform_data.node : n.output.name => join(",", n.output.labels)... }
  precondition {
    condition     = length(terraform_data.node) == local.total
    error_message = "Some nodes are missing."
  }
}
output "inventory" {
  value = <<-EOT
    [all]
    %{~ for name, vm in var.vms }
    ${name} ansible_host=${vm.ip}%{ if try(vm.talos.role, "") == "worker" } # worker%{ endif }
    %{~ endfor }

    [count]
    total = ${length(var.vms)}
  EOT
}

#vars {"kubernetes_version": "1.29", "channel": "patch", "install_version": "v1", "pools": [], "node_groups": {}, "workspace": {"id": "/a/b/c/d/e", "name": "n", "location": "l"}}
#fails {"cluster_name": "Bad_Name"}
#fails {"pools": [{"name": "a", "server_type": "x", "location": "y"}]}
#fails {"pools": [{"name": "a", "server_type": "x", "location": "y", "count": 1}, {"name": "a", "server_type": "x", "location": "y", "count": 1}]}
#fails {"kubernetes_version": "latest"}
