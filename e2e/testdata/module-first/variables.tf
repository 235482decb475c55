variable "hosts" {
  description = "The Docker hosts by name, each with what its clients call it. `address` is where contexts reach it: by default its first DNS name without a wildcard, or else its first IP address. `listen_address` is the one IP address that it listens on, by default all. `clients` are the authorities whose clients may enter it, each a docker_tls_ca or an object with cert_pem: by default the one of this module. List that too if its clients are to enter."
  type = map(object({
    dns_names      = optional(list(string), [])
    ip_addresses   = optional(list(string), [])
    address        = optional(string)
    listen_address = optional(string)
    clients        = optional(list(object({ cert_pem = string })))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.hosts) : can(regex("^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$", name)) && name != "default"])
    error_message = "The name of a host is also that of a Docker context: at least two letters, digits and _ . + -, the first a letter or digit, and not \"default\"."
  }

  validation {
    condition     = alltrue([for host in values(var.hosts) : length([for name in concat(host.dns_names, host.ip_addresses) : name if name != null]) > 0])
    error_message = "Each host needs at least one of dns_names and ip_addresses: clients look for the address they call in its certificate. Without any: ${join(", ", [for name, host in var.hosts : name if length([for n in concat(host.dns_names, host.ip_addresses) : n if n != null]) == 0])}."
  }

  validation {
    condition = alltrue([
      for address in [for host in values(var.hosts) : host.address if host.address != null] :
      can(provider::docker::client_env("tcp://${strcontains(address, ":") && !startswith(address, "[") ? "[${address}]" : address}:2376"))
    ])
    error_message = "The address of a host is a host name or an IP address alone: the port is that of daemon."
  }
}

variable "clients" {
  description = "The clients by name: the user that Docker's authorization plugins see. Each may do everything on each host that trusts the authority."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.clients : length(trimspace(name)) > 0 && length(name) <= 64 if name != null])
    error_message = "The name of a client has 1 to 64 characters: it is the common name of its certificate."
  }
}

variable "organization" {
  description = "Organization in the subjects of the authority and the clients."
  type        = string
  default     = null
}

variable "key_algorithm" {
  description = "Algorithm of all keys."
  type        = string
  default     = "ECDSA_P256"
  nullable    = false

  validation {
    condition     = contains(["ECDSA_P256", "ECDSA_P384", "ECDSA_P521", "RSA_2048", "RSA_3072", "RSA_4096", "ED25519"], var.key_algorithm)
    error_message = "key_algorithm must be one of ECDSA_P256, ECDSA_P384, ECDSA_P521, RSA_2048, RSA_3072, RSA_4096 and ED25519."
  }
}

variable "host_validity_period_hours" {
  description = "How long the certificate of a host is valid. It is renewed in the last third."
  type        = number
  default     = 365 * 24
  nullable    = false

  validation {
    condition     = var.host_validity_period_hours >= 1 && floor(var.host_validity_period_hours) == var.host_validity_period_hours
    error_message = "host_validity_period_hours must be a whole number of hours, at least 1."
  }

  validation {
    condition     = var.ca != null || var.host_validity_period_hours < var.ca_validity_period_hours
    error_message = "host_validity_period_hours must be less than ca_validity_period_hours: no certificate outlives its authority."
  }
}

variable "client_validity_period_hours" {
  description = "How long the certificate of a client is valid. It is renewed in the last third."
  type        = number
  default     = 365 * 24
  nullable    = false

  validation {
    condition     = var.client_validity_period_hours >= 1 && floor(var.client_validity_period_hours) == var.client_validity_period_hours
    error_message = "client_validity_period_hours must be a whole number of hours, at least 1."
  }

  validation {
    condition     = var.ca != null || var.client_validity_period_hours < var.ca_validity_period_hours
    error_message = "client_validity_period_hours must be less than ca_validity_period_hours: no certificate outlives its authority."
  }
}

variable "daemon" {
  description = "Options of the daemons, as the function cloud_init takes them: mode, directory, port, listen, address, clients, settings. What a host has of its own comes before that."
  type        = any
  default     = {}
  nullable    = false

  validation {
    condition     = can(keys(var.daemon))
    error_message = "daemon must be an object, such as { port = 2377, settings = { live-restore = true } }."
  }
}

variable "user_data_format" {
  description = "What the hosts read at their first boot: cloud-init or ignition (Flatcar, Fedora CoreOS)."
  type        = string
  default     = "cloud-init"
  nullable    = false

  validation {
    condition     = contains(["cloud-init", "ignition"], var.user_data_format)
    error_message = "user_data_format must be \"cloud-init\" or \"ignition\"."
  }
}

# The authority: made here, or given.

variable "ca_common_name" {
  description = "Common name of the authority."
  type        = string
  default     = "Docker CA"
  nullable    = false
}

variable "ca_validity_period_hours" {
  description = "How long the authority's root is valid. It rotates in the last third, without an outage."
  type        = number
  default     = 5 * 365 * 24
  nullable    = false

  validation {
    condition     = var.ca_validity_period_hours >= 1 && floor(var.ca_validity_period_hours) == var.ca_validity_period_hours
    error_message = "ca_validity_period_hours must be a whole number of hours, at least 1."
  }
}

variable "ca_overlap_hours" {
  description = "How long a previous root stays trusted after a rotation. Default: until it expires. 0 cuts it off at once."
  type        = number
  default     = null

  validation {
    condition     = var.ca_overlap_hours == null ? true : var.ca_overlap_hours >= 0 && floor(var.ca_overlap_hours) == var.ca_overlap_hours
    error_message = "ca_overlap_hours must be a whole number of hours, 0 or more."
  }
}

variable "ca_rotation_triggers" {
  description = "Any change of this map rotates the authority's key now."
  type        = map(string)
  default     = null
}

variable "ca" {
  description = "An authority that exists: a docker_tls_ca, or the output ca of another stack. None is made then, and the other ca_ variables mean nothing."
  type = object({
    cert_pem              = string
    private_key_pem       = string
    cross_signed_cert_pem = optional(string)
  })
  default = null

  validation {
    condition     = var.ca == null ? true : try(provider::docker::parse_certificate(var.ca.cert_pem).is_ca, false)
    error_message = "ca is no authority: give a docker_tls_ca, or the output ca of another stack."
  }
}

variable "ca_private_key_passphrase" {
  description = "Passphrase of the given authority's key, if that is encrypted. It is never stored."
  type        = string
  default     = null
  ephemeral   = true
}
