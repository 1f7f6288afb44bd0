# Shapes of network modules: subnets by zone, matrices of peers, rules looked up in tables, routes as products.
variable "networks" {
  type = map(object({
    name                = string
    mesh                = optional(bool, true)
    router              = optional(string)
    address_space       = list(string)
    routing_space       = optional(list(string), [])
    resource_group_name = string # one for several networks
    create_group        = optional(bool, true)
    tags                = optional(map(string), null)
    subnets = optional(map(object({
      prefixes    = list(string)
      delegations = optional(list(object({ name = string, actions = optional(set(string), ["read", "join"]) })))
      route_table = optional(string)
      nat         = optional(object({ id = string }), null)
    })), {})
    timeouts = optional(object({
      create = optional(string, "30m")
      read   = optional(string, "5m")
    }), {})
  }))
  default = {
    a = { name = "a", address_space = ["10.0.0.0/16"], routing_space = ["10.0.0.0/16"], router = "10.0.0.4", resource_group_name = "rg",
    subnets = { one = { prefixes = ["10.0.1.0/24"], delegations = [{ name = "d" }] }, two = { prefixes = [], route_table = "rt" } } }
    b = { name = "b", address_space = ["10.1.0.0/16"], resource_group_name = "rg", routing_space = null }
    c = { name = "c", address_space = [], resource_group_name = "rg2", mesh = false, timeouts = { create = "1h" } }
  }
  nullable = false

  validation {
    condition     = alltrue([for _, n in var.networks : length(n.address_space) == 0 || alltrue([for c in n.address_space : can(cidrhost(c, 0))])])
    error_message = "Each address must be a CIDR block."
  }
  validation {
    condition = length(distinct(flatten([
      for n in values(var.networks) : n.name
    ]))) == length(var.networks)
    error_message = "Names must be unique, have: ${join(", ", [for n in var.networks : n.name])}."
  }
}
variable "zones" {
  type    = list(string)
  default = ["fra-1", "fra-2", "ams-1"]
}
variable "cidr" {
  type    = string
  default = "10.20.0.0/16"
  validation {
    condition     = can(regex("^([0-9]{1,3}\\.){3}[0-9]{1,3}/\\d+$", var.cidr)) && tonumber(split("/", var.cidr)[1]) <= 24
    error_message = "A block of at most /24."
  }
}
variable "ipv6" {
  default = "fd00:fd12:3456:7890::/56"
}
variable "rules" {
  description = "Map of known rules: from, to, protocol, description"
  type        = map(list(any))
  default = {
    ssh     = [22, 22, "tcp", "SSH"]
    dns-udp = [53, 53, "udp", "DNS"]
    _       = ["", "", ""]
  }
}
variable "ingress" {
  type    = list(map(string))
  default = [{ rule = "ssh", cidr_blocks = "10.0.0.0/8,192.168.0.0/16" }, { from_port = 8080, to_port = 8090, protocol = 6, self = true }]
}
variable "attachments" {
  type = any
  default = {
    v1 = { routes = [{ cidr = "30.0.0.0/16" }, { blackhole = true, cidr = "40.0.0.0/20" }], dns = true }
    v2 = { routes = [{ cidr = "50.0.0.0/16" }], tables = ["rtb-1", "rtb-2"] }
    v3 = {}
  }
}
variable "subnets" {
  type = list(map(string))
  default = [
    { name = "s1", region = "eu", ip = "10.10.10.0/24", logs = "true", logs_sampling = 0.7 },
    { name = "s2", region = "us", ip = "10.10.20.0/24" },
  ]
}
variable "secondary" {
  type = map(list(object({ range_name = string, ip_cidr_range = string })))
  default = { s1 = [{ range_name = "pods", ip_cidr_range = "192.168.64.0/24" }] }
}
variable "max_subnets" { default = 0 }

locals {
  peering = {
    for p in [
      for peer in flatten([
        for k_src, v_src in var.networks :
        [
          for k_dst, v_dst in var.networks :
          {
            src = v_src.name
            dst = v_dst.name
          } if k_src != k_dst && v_dst.mesh
        ] if v_src.mesh
      ]) : peer
    ] : p.src => p.dst...
  }
  peering_map = { for peering in flatten([
    for src, dsts in local.peering : [
      for dst in dsts : {
        name  = "${src}-${dst}"
        src   = src
        allow = true
      }
    ]
  ]) : peering.name => peering }
  groups = toset([
    for k, v in var.networks : {
      name = v.resource_group_name
      tags = v.tags
    } if v.create_group
  ])
  route_map = {
    for k_src, v_src in var.networks : k_src => flatten([
      for k_dst, v_dst in var.networks : [
        for cidr in v_dst.routing_space : {
          name = "${k_dst}-${cidr}"
          hop  = v_dst.router
          # not yet: a firewall
        }
      ] if k_src != k_dst && v_dst.mesh && v_dst.routing_space != null && length(coalesce(v_dst.routing_space, [])) != 0
    ]) if v_src.mesh
  }
  subnets_map = {
    for k, v in var.networks : k => {
      for key, subnet in v.subnets : key => {
        prefixes    = subnet.prefixes
        delegations = subnet.delegations
        nat_id      = try(subnet.nat.id, null)
        actions     = subnet.delegations == null ? [] : flatten([for d in subnet.delegations : tolist(d.actions)])
      }
    }
  }

  # How many bits name a subnet; no log(0)
  zone_count  = var.max_subnets > 0 ? var.max_subnets : length(var.zones)
  required    = ceil(log(local.zone_count * 2, 2))
  private     = [for net in range(0, local.zone_count) : cidrsubnet(var.cidr, local.required, net)]
  public      = [for net in range(local.zone_count, local.zone_count * 2) : cidrsubnet(var.cidr, local.required, net)]
  private6    = [for net in range(0, local.zone_count) : cidrsubnet(var.ipv6, 8, net)]
  all         = cidrsubnets(var.cidr, [for z in var.zones : 8]...)
  gateways    = [for c in local.private : cidrhost(c, 1)]
  last        = [for c in local.private : cidrhost(c, -2)]
  mask        = cidrnetmask(var.cidr)
  by_zone     = zipmap(var.zones, slice(local.private, 0, length(var.zones)))
  zone_region = { for z in var.zones : split("-", z)[0] => z... }
  option_map = {
    all    = var.zones
    single = [var.zones[0]]
    "none" = [] # explicit
  }
  chosen = local.option_map[length(var.zones) > 1 ? "all" : "single"]
  nats   = length(var.zones) > 5 ? local.option_map["none"] : local.option_map.single
  odd    = var.max_subnets == 0 ? local.option_map : {}

  ingress = [for i, r in var.ingress : {
    cidrs       = split(",", lookup(r, "cidr_blocks", join(",", ["0.0.0.0/0"])))
    description = lookup(r, "description", "Rule ${i}")
    from_port   = lookup(r, "from_port", var.rules[lookup(r, "rule", "_")][0])
    to_port     = lookup(r, "to_port", var.rules[lookup(r, "rule", "_")][1])
    protocol    = lookup(r, "protocol", element(var.rules[lookup(r, "rule", "_")], 2))
    self        = lookup(r, "self", false)
  }]

  routes = chunklist(flatten([
    for k, v in var.attachments : setproduct([{ key = k }], v["routes"]) if length(lookup(v, "routes", {})) > 0
  ]), 2)
  without_dns = { for k, v in var.attachments : k => v if lookup(v, "dns", true) != true }
  tables = flatten([
    for k, v in var.attachments : [
      for t in try(v.tables, []) : { table = t, cidr = try(v["cidr"], "0.0.0.0/0") }
    ]
  ])
  holes = [for r in local.routes : tobool(lookup(r[1], "blackhole", false)) == false ? r[0]["key"] : null]

  subnets = { for x in var.subnets : "${x.region}/${x.name}" => x }
  logging = { for k, s in local.subnets : k => lookup(s, "logs", false) ? [{
    sampling = lookup(s, "logs_sampling", "0.5")
    interval = lookup(s, "logs_interval", "INTERVAL_5_SEC")
  }] : [] }
  secondary = { for k, s in local.subnets : k => [
    for i in range(
      length(
        contains(
        keys(var.secondary), s.name) == true
        ? var.secondary[s.name]
        : []
    )) :
    var.secondary[s.name][i]
  ] }
}

resource "terraform_data" "subnet" {
  for_each = local.subnets
  input = merge(
    { Name = each.key, ip = each.value.ip },
    { for r in local.secondary[each.key] : r.range_name => r.ip_cidr_range },
  )
}
resource "terraform_data" "zone" {
  count = length(var.zones)
  input = { zone = var.zones[count.index], name = format("%s-%02d", var.zones[count.index], count.index + 1) }
}
output "subnet_ips" {
  value = { for k, s in terraform_data.subnet : k => s.output.ip }
}
output "zone_names" {
  value = terraform_data.zone.*.output.name
}
output "first" {
  value = try(terraform_data.zone[0].output.zone, concat(terraform_data.zone[*].output.zone, [""])[0])
}
output "one" {
  value = one(slice(terraform_data.zone[*].output, 0, min(1, length(terraform_data.zone))))
}
check "zones" {
  assert {
    condition     = length(var.zones) == length(toset(var.zones))
    error_message = "A zone is there twice: ${join(", ", var.zones)}"
  }
}

#vars {"max_subnets": 3, "zones": ["fra-1"]}
#vars {"networks": {}, "subnets": [], "attachments": {}, "ingress": [], "cidr": "10.0.0.0/20"}
#fails {"cidr": "10.20.0.0/28"}
#fails {"cidr": "x"}
#fails {"networks": {"a": {"name": "a", "address_space": ["10.0.0/8"], "resource_group_name": "r"}}}
#fails {"networks": {"a": {"name": "a", "address_space": [], "resource_group_name": "r"}, "b": {"name": "a", "address_space": [], "resource_group_name": "r"}}}
#vars {"networks": null}
#fails {"networks": {"a": {"name": "a"}}}
