# Shapes of policy and landing-zone modules: libraries of files, maps merged over maps, decoded documents, products of roles and members.
variable "shelf" {
  type    = string
  default = "files"
}
variable "bindings" {
  type = map(list(string))
  default = {
    "roles/viewer" = ["user:a@x", "group:b@x"]
    "roles/editor" = []
  }
}
variable "conditional_bindings" {
  type = list(object({
    role        = string
    title       = string
    description = optional(string, "")
    expression  = string
    members     = list(string)
  }))
  default = [{ role = "roles/owner", title = "t", expression = "e", members = ["user:c@x"] }]
}
variable "entities" {
  type    = list(string)
  default = ["p1", "p2"]
}
variable "mode" {
  type    = string
  default = "additive"
  validation {
    condition     = contains(["additive", "authoritative"], var.mode)
    error_message = "Is ${jsonencode(var.mode)}."
  }
}
variable "rules" {
  type = any
  default = {
    orders = { description = "d", schedule_expression = "rate(5 minutes)", enabled = true }
    cron_1 = {}
  }
}
variable "targets" {
  type    = any
  default = { orders = [{ name = "log", arn = "arn:1" }, { name = "fn", arn = "arn:2", attach_role_arn = true }], cron_1 = [] }
}
variable "assignments" {
  type = map(object({
    role      = string
    principal = string
    condition = optional(object({
      version = optional(string, "2.0")
      text    = string
    }))
    delegated = optional(list(map(string)), [{ a = "b" }])
    any       = optional(any, { x = 1 })
    nested = optional(object({
      deep = optional(object({ n = optional(number, 3), s = optional(set(string), ["q"]) }), {})
    }), {})
  }))
  default = {
    r1 = { role = "Reader", principal = "p" }
    r2 = { role = "Owner", principal = "q", condition = { text = "@x" }, nested = { deep = { n = "7" } } }
  }
}
variable "api_identities" {
  type = list(object({ api = string, roles = list(string) }))
  default = [
    { api = "compute.example.com", roles = ["a", "b"] },
    { api = "tpu.example.com", roles = [] },
  ]
}
variable "lock" {
  type    = object({ kind = string, name = optional(string, null) })
  default = null
  validation {
    condition     = var.lock != null ? contains(["CanNotDelete", "ReadOnly"], var.lock.kind) : true
    error_message = "Lock kind must be either `\"CanNotDelete\"` or `\"ReadOnly\"`."
  }
}
variable "settings" {
  type = map(object({
    name       = optional(string, null)
    categories = optional(set(string), [])
    kind       = optional(string, "Dedicated")
    workspace  = optional(string, null)
  }))
  default  = { d = { workspace = "w", categories = ["b", "a", "b"] } }
  nullable = false
  validation {
    condition     = alltrue([for _, v in var.settings : contains(["Dedicated", "Shared"], v.kind)])
    error_message = "Kind must be one of: 'Dedicated', 'Shared'."
  }
  validation {
    condition = alltrue(
      [
        for _, v in var.settings :
        v.workspace != null || v.name != null
      ]
    )
    error_message = "At least one of `workspace` or `name` must be set."
  }
}
variable "pools" {
  type = list(object({
    id     = string
    prefix = optional(number)
  }))
  default = null
  validation {
    condition = alltrue([
      for p in var.pools != null ? var.pools : [] : p.prefix != null ? (p.prefix >= 2 && p.prefix <= 29) || (p.prefix >= 48 && p.prefix <= 64) : true
    ]) || var.pools == null
    error_message = "Prefix must be between 2 and 29, or 48 and 64."
  }
  validation {
    condition = length([
      for p in var.pools != null ? var.pools : [] : p if p.prefix != null ? p.prefix >= 2 && p.prefix <= 29 : false
    ]) <= 1 || var.pools == null
    error_message = "Only one."
  }
}
variable "tags" {
  type    = map(string)
  default = { a = "b" }
}
variable "email" {
  default = "Ops <ops+gpu@example.com>"
}

locals {
  found      = tolist(fileset(local.shelf, "**/policy_*.json"))
  found_yaml = tolist(fileset(local.shelf, "**/*.{yml,yaml}"))
  shelf      = "${path.module}/${var.shelf}"
  dataset = try(length(local.found) > 0, false) ? {
    for filepath in local.found :
    filepath => jsondecode(file("${local.shelf}/${filepath}"))
  } : null
  definitions = try(length(local.dataset) > 0, false) ? {
    for key, value in local.dataset :
    value.name => value
    if value.type == "def"
  } : null
  merged    = merge(local.definitions, null, { extra = { name = "extra" } })
  _raw = {
    for f in try(fileset(local._path, "**/*.yaml"), []) :
    trimsuffix(basename(f), ".yaml") => yamldecode(file("${local._path}/${f}"))
  }
  _path = try(pathexpand(local.shelf), null)
  factory = {
    for k, v in local._raw :
    "${v.region}/${try(v.name, k)}" => {
      active = try(v.active, true)
      flow = can(v.flow_logs_config) ? {
        sampling = try(v.flow_logs_config.flow_sampling, null)
        metadata = try(v.flow_logs_config.metadata, null)
      } : null
      ipv6 = !can(v.ipv6) ? null : {
        access_type = try(v.ipv6.access_type, "INTERNAL")
      }
      iam       = try(v.iam, {})
      _is_psc   = try(v.psc == true, false)
      _is_plain = !try(v.psc == true, false) && !try(v.proxy_only == true, false)
    }
  }
  iam = flatten(concat(
    [
      for s in values(local.factory) : [
        for role, members in s.iam :
        {
          role    = role
          members = members
        }
      ]
    ],
  ))
  unit = templatefile("${local.shelf}/unit.tftpl", {
    name  = upper("node")
    ports = [80, 443]
  })

  singular         = length(var.entities) == 1
  aliased_entities = local.singular ? ["default"] : var.entities
  by_role = distinct(flatten([
    for name in var.entities
    : [
      for role, members in var.bindings
      : { name = name, role = role, members = members, condition = { title = "", description = "", expression = "" } }
    ]
  ]))
  by_condition = distinct(flatten([
    for name in var.entities
    : [
      for b in var.conditional_bindings
      : { name = name, role = b.role, members = b.members, condition = { title = b.title, description = b.description, expression = b.expression } }
    ]
  ]))
  all = concat(local.by_role, local.by_condition)
  by_member = distinct(flatten([
    for binding in local.all
    : [
      for member in binding["members"]
      : { name = binding["name"], role = binding["role"], member = member, condition = binding["condition"] }
    ]
  ]))
  keys = distinct(flatten([
    for alias in local.aliased_entities
    : [
      for role, members in var.bindings
      : [
        for member in members
        : "${alias}--${role}--${member}"
      ]
    ]
  ]))
  roles      = distinct(flatten([keys(var.bindings), var.conditional_bindings[*].role]))
  chosen     = var.mode == "additive" ? zipmap(local.keys, slice(local.by_member, 0, length(local.keys))) : {}
  set_chosen = toset(var.mode == "additive" ? local.keys : [])

  events = flatten([
    for index, rule in var.rules :
    merge(rule, {
      "name" = index
      "Name" = true ? "${replace(index, "_", "-")}-rule" : index
    })
  ])
  event_targets = flatten([
    for index, rule in var.rules : [
      for target in var.targets[index] :
      merge(target, {
        "rule" = index
      })
    ] if length(var.targets) != 0
  ])
  by_name    = { for k, v in local.event_targets : v.name => v }
  role_arns  = [for t in local.event_targets : can(length(t.attach_role_arn) > 0) ? t.attach_role_arn : (try(t.attach_role_arn, null) == true ? "arn:role" : null)]
  words      = [compact(split(" ", "a  b"))[0], compact(split(" ", "a  b"))[1]]
  connection = [for c in [{ auth = { basic = { u = "x" } } }] : lookup(c.auth, "oauth", null) != null ? [c.auth.oauth] : []]

  identities = flatten([
    for i in var.api_identities : [
      for r in i.roles :
      { api = i.api, role = r }
    ]
  ])
  services = true ? toset(concat(["x"], [for i in var.api_identities : i.api])) : toset([])
  emails = {
    for i in var.api_identities :
    i.api => i.api == "compute.example.com" ?
      "default@x" :
      "service-${123}@sa-${replace(i.api, ".example.com", "")}.iam"
  }
  service_roles = {
    for si in local.identities :
    "${si.api} ${si.role}" => {
      email = local.emails[si.api]
      role  = si.role
    }
  }
  activate = 0 != length([for i in var.api_identities : i if i.api == "compute.example.com"])

  document = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for role, members in var.bindings : {
        Sid       = title(replace(role, "/[^a-zA-Z]/", ""))
        Effect    = "Allow"
        Action    = ["s3:Get*", "s3:<List>&"]
        Condition = length(members) > 0 ? { StringLike = { "aws:sub" = members } } : null
        Max       = 3600
      }
    ]
  })
  decoded    = jsondecode(local.document).Statement[*].Sid
  provider   = replace("arn:aws:iam::1:oidc-provider/oidc.eks/id/AB", "/^(.*provider/)/", "")
  s3_key     = replace("builds/abc.zip", "/^.*//", "")
  dotless    = replace("./x", "/^\\.//", "")
  uuid       = uuidv5("url", "x")
  user       = regex("^(?P<name>[^<]*?)\\s*<(?P<local>[^@+]+)(?:\\+(?P<tag>[^@]+))?@(?P<domain>[^>]+)>$", var.email)
  arn        = regexall("[^:/]+", "arn:aws:iam::1:role/x")
  one        = regex("\\d+", "port 8080")
  rbac       = { for k, v in var.assignments : k => merge(v, { condition_version = try(v.condition.version, null) }) }
  categories = flatten([for k, v in var.settings : [for c in v.categories : "${k}:${c}"]])
  tagged     = [for k, v in merge(var.tags, { "z" = "1" }) : { key = k, value = v }]
  tag_text   = join(";", [for k, v in var.tags : "${k}=${v}"])
  lock_name  = coalesce(try(var.lock.name, null), "lock-${try(var.lock.kind, "none")}")
  expiry     = formatdate("YYYY-MM-DD'T'hh:mm:ssZ", timeadd("2025-01-31T00:00:00Z", "${24 * 30}h"))
  stamp      = formatdate("DD MMM YYYY", "2025-02-01T10:00:00Z")
  matrix = { for pair in setproduct(["eu", "us"], ["dev", "prod"]) : "${pair[0]}-${pair[1]}" => {
    region = pair[0]
    env    = pair[1]
  } }
  inverse  = transpose(var.bindings)
  levels   = { for l in range(3) : "level_${l}" => [for k, v in { a = 0, b = 2 } : k if v == l] }
  behave   = (var.mode == "parent" ? "p" :
    (var.mode == "additive" ? "a" :
      (var.mode == "custom" ? "c" :
  null)))
  sized    = [for b in [1, 1024, 1048576] : b >= 1048576 ? format("%.1f MiB", b / 1048576) : b >= 1024 ? format("%d KiB", b / 1024) : "${b} B"]
  padded   = [for i in range(1, 4) : format("%03d", i)]
  tail     = reverse(split("/", "a/b/c"))[0]
  element3 = element(["a", "b", "c"], 4)
  checks   = [anytrue([]), alltrue([]), contains(keys(var.tags), "a"), "x" == "x" ? true : false]
}

output "agents" {
  value = [for s in sort(tolist(local.services)) : { service = s, known = contains(local.found, s) }]
}

#vars {"entities": ["only"], "mode": "authoritative", "bindings": {}, "tags": {}, "lock": {"kind": "ReadOnly"}, "pools": [{"id": "a", "prefix": 24}, {"id": "b"}]}
#vars {"conditional_bindings": [], "assignments": {}, "api_identities": [], "settings": null}
#fails {"mode": "x"}
#fails {"lock": {"kind": "None"}}
#fails {"settings": {"a": {"kind": "Other", "name": "n"}}}
#fails {"settings": {"a": {}}}
#fails {"pools": [{"id": "a", "prefix": 24}, {"id": "b", "prefix": 25}]}
#fails {"pools": [{"id": "a", "prefix": 30}]}
#fails {"assignments": {"x": {"role": "r"}}}
#fails {"conditional_bindings": [{"role": "r", "title": "t", "expression": "e", "members": "m"}]}
