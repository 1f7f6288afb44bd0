# Shapes of label and naming modules: inputs over a context, cases of keys, a cut id with a hash.
variable "context" {
  type = any
  default = {
    enabled     = true
    namespace   = null
    delimiter   = null
    attributes  = []
    tags        = {}
    label_order = []
    limit       = null
    key_case    = null
    descriptors = {}
  }
  description = <<-EOT
    Everything at once. Leave text as `null` for its default.
  EOT

  validation {
    condition     = lookup(var.context, "key_case", null) == null ? true : contains(["lower", "title", "upper"], var.context["key_case"])
    error_message = "Allowed: `lower`, `title`, `upper`."
  }
}

variable "namespace" {
  type    = string
  default = null
}
variable "stage" {
  type    = string
  default = "Prod_1"
}
variable "name" {
  type    = string
  default = "GPU pool"
}
variable "attributes" {
  type    = list(string)
  default = ["blue", "", "blue"]
}
variable "tags" {
  type    = map(string)
  default = { "Cost Center" = "4711", owner = null }
}
variable "label_order" {
  type    = list(string)
  default = null
}
variable "limit" {
  type    = number
  default = 12
  validation {
    condition     = var.limit == null ? true : var.limit >= 6 || var.limit == 0
    error_message = "The limit must be >= 6 if supplied (not null), or 0."
  }
}
variable "descriptor_formats" {
  type = any
  default = {
    stack = { format = "%v-%v", labels = ["namespace", "stage"] }
  }
}

locals {
  defaults = {
    label_order         = ["namespace", "stage", "name", "attributes"]
    regex_replace_chars = "/[^-a-zA-Z0-9]/"
    delimiter           = "-"
    replacement         = ""
    limit               = 0
    hash_length         = 5
    label_value_case    = "lower"
  }

  # Things that are single values
  input = {
    enabled   = var.context.enabled == null ? true : var.context.enabled
    namespace = var.namespace == null ? lookup(var.context, "namespace", null) : var.namespace
    stage     = var.stage == null ? lookup(var.context, "stage", null) : var.stage
    name      = var.name == null ? lookup(var.context, "name", null) : var.name
    delimiter = lookup(var.context, "delimiter", null)
    # modules tack on attributes (passed by var) to the end of the list (passed by context)
    attributes  = compact(distinct(concat(coalesce(var.context.attributes, []), coalesce(var.attributes, []))))
    tags        = merge(var.context.tags, var.tags)
    label_order = var.label_order == null ? var.context.label_order : var.label_order
    limit       = var.limit == null ? var.context.limit : var.limit
    descriptors = merge(lookup(var.context, "descriptors", {}), var.descriptor_formats)
  }

  enabled             = local.input.enabled
  regex_replace_chars = coalesce(null, local.defaults.regex_replace_chars)

  # string_label_names are names of inputs that are strings (not list of strings) used as labels
  string_label_names = ["name", "namespace", "stage"]
  normalized_labels = { for k in local.string_label_names : k =>
    local.input[k] == null ? "" : replace(local.input[k], local.regex_replace_chars, local.defaults.replacement)
  }
  normalized_attributes = compact(distinct([for v in local.input.attributes : replace(v, local.regex_replace_chars, local.defaults.replacement)]))

  formatted_labels = { for k in local.string_label_names : k => local.defaults.label_value_case == "none" ? local.normalized_labels[k] :
    local.defaults.label_value_case == "title" ? title(lower(local.normalized_labels[k])) :
    local.defaults.label_value_case == "upper" ? upper(local.normalized_labels[k]) : lower(local.normalized_labels[k])
  }
  attributes = compact(distinct([
    for v in local.normalized_attributes : (local.defaults.label_value_case == "title" ? title(lower(v)) :
    lower(v))
  ]))

  namespace = local.formatted_labels["namespace"]
  delimiter = local.input.delimiter == null ? local.defaults.delimiter : local.input.delimiter
  # The order from the input, the default order when it is empty
  label_order = local.input.label_order == null ? local.defaults.label_order : coalescelist(local.input.label_order, local.defaults.label_order)
  limit       = local.input.limit == null ? local.defaults.limit : local.input.limit

  tags_context = {
    namespace  = local.namespace
    stage      = local.formatted_labels["stage"]
    name       = local.formatted_labels["name"]
    attributes = local.id_context.attributes
  }
  generated_tags = {
    for l in setintersection(keys(local.tags_context), ["namespace", "name", "attributes"]) :
    upper(substr(l, 0, 1)) == "N" ? title(l) : l => local.tags_context[l] if length(local.tags_context[l]) > 0
  }
  tags = merge(local.generated_tags, { for k, v in local.input.tags : k => v if v != null })
  tags_as_list_of_maps = flatten([
    for key in keys(local.tags) : merge(
      {
        key   = key
        value = local.tags[key]
    }, { propagate = true })
  ])

  id_context = {
    namespace  = local.namespace
    stage      = local.formatted_labels["stage"]
    name       = local.formatted_labels["name"]
    attributes = join(local.delimiter, local.attributes)
  }
  labels  = [for l in local.label_order : local.id_context[l] if length(local.id_context[l]) > 0]
  id_full = join(local.delimiter, local.labels)
  # Create a truncated ID if needed
  delimiter_length   = length(local.delimiter)
  id_truncated_limit = local.limit - (local.defaults.hash_length + local.delimiter_length)
  id_truncated       = local.id_truncated_limit <= 0 ? "" : "${trimsuffix(substr(local.id_full, 0, local.id_truncated_limit), local.delimiter)}${local.delimiter}"
  id_hash_plus       = "${md5(local.id_full)}qrstuvwxyz"
  id_hash            = replace(lower(local.id_hash_plus), local.regex_replace_chars, local.defaults.replacement)
  id_short           = substr("${local.id_truncated}${local.id_hash}", 0, local.limit)
  id                 = local.limit != 0 && length(local.id_full) > local.limit ? local.id_short : local.id_full

  descriptors = { for k, v in local.input.descriptors : k => format(v.format, [for l in v.labels : local.id_context[l]]...) }
}

output "normalized_context" {
  value       = merge(local.input, { id = local.id })
  description = "All of it."
}
output "id" { value = local.enabled ? local.id : "" }

#vars {"context": {"enabled": true, "namespace": "Eg", "delimiter": "", "attributes": ["x", "x"], "tags": {"a": "b"}, "label_order": ["stage", "name"], "limit": 8, "key_case": "upper", "extra": [1, {"b": null}]}, "limit": null}
#vars {"limit": 0, "namespace": "", "stage": null, "name": null, "attributes": null}
#vars {"context": {"enabled": null, "attributes": null, "tags": {}, "label_order": []}, "name": "é日本"}
#fails {"limit": 3}
#fails {"context": {"key_case": "none"}}
#fails {"attributes": "a"}
