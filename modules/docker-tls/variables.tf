variable "hosts" {
  description = <<-EOT
    The Docker hosts by name, each with what its clients call it: `dns_names`, `ip_addresses`.

    - `address` is where contexts and deliveries reach it: by default its first DNS name without a wildcard, or else its first IP address.
    - `listen_address` is the one IP address that it listens on, by default all.
    - `clients` are the authorities whose clients may enter it, each a docker_tls_ca or an object with cert_pem: by default the one of this module. List that too if its clients are to enter.
    - `user_data_format` and `layout` (of the output server_files) are those of this host.
    - `subject`, `key_algorithm`, `validity_period_hours`, `early_renewal_hours`, `reuse_private_key`, `rotation_triggers` and `cert_request_pem` are arguments of its docker_tls_server_cert, in place of what all hosts have; its `rotation_triggers` are added to theirs. With a `validity_period_hours` of its own, `early_renewal_hours` is its own too: by default one third of that.
    - `private_key_pem_wo_version` says that host_private_keys has its key.
  EOT
  type = map(object({
    dns_names      = optional(list(string), [])
    ip_addresses   = optional(list(string), [])
    address        = optional(string)
    listen_address = optional(string)
    clients        = optional(list(object({ cert_pem = string })))

    user_data_format = optional(string)
    layout           = optional(string)

    subject = optional(object({
      common_name         = optional(string)
      country             = optional(string)
      email_address       = optional(string)
      locality            = optional(string)
      organization        = optional(string)
      organizational_unit = optional(string)
      postal_code         = optional(string)
      province            = optional(string)
      street_address      = optional(list(string))
    }))
    key_algorithm              = optional(string)
    validity_period_hours      = optional(number)
    early_renewal_hours        = optional(number)
    reuse_private_key          = optional(bool)
    rotation_triggers          = optional(map(string))
    private_key_pem_wo_version = optional(number)
    cert_request_pem           = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.hosts) : can(regex("^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$", name)) && name != "default"])
    error_message = "The name of a host is also that of a Docker context: at least two letters, digits and _ . + -, the first a letter or digit, and not \"default\"."
  }

  validation {
    condition     = alltrue([for host in values(var.hosts) : length([for name in try(concat(host.dns_names, host.ip_addresses), []) : name if name != null]) > 0 if try(host.cert_request_pem, null) == null])
    error_message = "Each host needs at least one of dns_names and ip_addresses: clients look for the address they call in its certificate. Without any: ${join(", ", [for name, host in var.hosts : name if try(host.cert_request_pem, null) == null && length([for n in try(concat(host.dns_names, host.ip_addresses), []) : n if n != null]) == 0])}."
  }

  validation {
    condition = alltrue([
      for address in [for host in values(var.hosts) : host.address if try(host.address, null) != null] :
      can(provider::docker::client_env("tcp://${strcontains(address, ":") && !startswith(address, "[") ? "[${address}]" : address}:2376"))
    ])
    error_message = "The address of a host is a host name or an IP address alone: the port is that of daemon."
  }

  validation {
    condition     = alltrue([for host in values(var.hosts) : contains(["cloud-init", "ignition"], host.user_data_format) if try(host.user_data_format, null) != null])
    error_message = "user_data_format of a host must be \"cloud-init\" or \"ignition\"."
  }

  validation {
    condition     = alltrue([for host in values(var.hosts) : contains(["docker", "dind", "buildkitd", "registry", "podman"], host.layout) if try(host.layout, null) != null])
    error_message = "layout of a host must be \"docker\", \"dind\", \"buildkitd\", \"registry\" or \"podman\"."
  }

  validation {
    condition     = var.ca != null || alltrue([for host in values(var.hosts) : host.validity_period_hours < var.ca_validity_period_hours if try(host.validity_period_hours, null) != null])
    error_message = "validity_period_hours of a host must be less than ca_validity_period_hours: no certificate outlives its authority."
  }

  validation {
    condition     = alltrue([for host in values(var.hosts) : host.private_key_pem_wo_version == null && host.cert_request_pem == null if try(host.key_algorithm, null) != null])
    error_message = "key_algorithm is of a key that is made here: a host with private_key_pem_wo_version or cert_request_pem has the algorithm of its key."
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

variable "client_overrides" {
  description = <<-EOT
    What single clients have of their own, by their names in clients.

    - `subject`, `key_algorithm`, `validity_period_hours`, `early_renewal_hours`, `reuse_private_key`, `rotation_triggers` and `cert_request_pem` are arguments of its docker_tls_client_cert, in place of what all clients have; its `rotation_triggers` are added to theirs. With a `validity_period_hours` of its own, `early_renewal_hours` is its own too: by default one third of that. `subject` may have another `common_name` than the name.
    - `private_key_pem_wo_version` says that client_private_keys has its key.
    - `daemons` are the authorities of the daemons that it trusts, each a docker_tls_ca or an object with cert_pem: by default the one of this module.
    - `layout` is that of its client_files: the program that reads them.
  EOT
  type = map(object({
    daemons = optional(list(object({ cert_pem = string })))
    layout  = optional(string)

    subject = optional(object({
      common_name         = optional(string)
      country             = optional(string)
      email_address       = optional(string)
      locality            = optional(string)
      organization        = optional(string)
      organizational_unit = optional(string)
      postal_code         = optional(string)
      province            = optional(string)
      street_address      = optional(list(string))
    }), {})
    key_algorithm              = optional(string)
    validity_period_hours      = optional(number)
    early_renewal_hours        = optional(number)
    reuse_private_key          = optional(bool)
    rotation_triggers          = optional(map(string))
    private_key_pem_wo_version = optional(number)
    cert_request_pem           = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.client_overrides), [for name in var.clients : name if name != null])) == 0
    error_message = "client_overrides has names that are not in clients: ${join(", ", setsubtract(keys(var.client_overrides), [for name in var.clients : name if name != null]))}."
  }

  validation {
    condition     = alltrue([for own in values(var.client_overrides) : contains(["docker", "dind", "buildx", "registry", "podman"], own.layout) if try(own.layout, null) != null])
    error_message = "layout of a client must be \"docker\", \"dind\", \"buildx\", \"registry\" or \"podman\"."
  }

  validation {
    condition     = var.ca != null || alltrue([for own in values(var.client_overrides) : own.validity_period_hours < var.ca_validity_period_hours if try(own.validity_period_hours, null) != null])
    error_message = "validity_period_hours of a client must be less than ca_validity_period_hours: no certificate outlives its authority."
  }

  validation {
    condition     = alltrue([for own in values(var.client_overrides) : own.private_key_pem_wo_version == null && own.cert_request_pem == null if try(own.key_algorithm, null) != null])
    error_message = "key_algorithm is of a key that is made here: a client with private_key_pem_wo_version or cert_request_pem has the algorithm of its key."
  }
}

variable "organization" {
  description = "Organization in the subjects of the authority and the clients, where their own subject has none."
  type        = string
  default     = null
}

variable "key_algorithm" {
  description = "Algorithm of all keys that are made here, but for those with one of their own."
  type        = string
  default     = "ECDSA_P256"
  nullable    = false

  validation {
    condition     = contains(["ECDSA_P256", "ECDSA_P384", "ECDSA_P521", "RSA_2048", "RSA_3072", "RSA_4096", "ED25519"], var.key_algorithm)
    error_message = "key_algorithm must be one of ECDSA_P256, ECDSA_P384, ECDSA_P521, RSA_2048, RSA_3072, RSA_4096 and ED25519."
  }
}

variable "host_validity_period_hours" {
  description = "How long the certificate of a host is valid. It is renewed in the last third, unless host_early_renewal_hours says otherwise."
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

variable "host_early_renewal_hours" {
  description = "How long before its end the certificate of a host is due for renewal: the first apply from then on renews it. Default: one third of host_validity_period_hours."
  type        = number
  default     = null

  validation {
    condition     = var.host_early_renewal_hours == null ? true : var.host_early_renewal_hours >= 0 && floor(var.host_early_renewal_hours) == var.host_early_renewal_hours
    error_message = "host_early_renewal_hours must be a whole number of hours, 0 or more."
  }

  validation {
    condition     = var.host_early_renewal_hours == null ? true : var.host_early_renewal_hours < var.host_validity_period_hours
    error_message = "host_early_renewal_hours must be less than host_validity_period_hours, or the certificate of a host would always be due."
  }
}

variable "host_rotation_triggers" {
  description = "Any change of this map rotates all hosts now: each gets a new key and a new certificate. The first triggers, where there were none, do so too."
  type        = map(string)
  default     = null
}

variable "host_private_keys" {
  description = "Keys of your own by the names of their hosts, unencrypted, in PEM: they are certified and never stored. Each needs `private_key_pem_wo_version` in hosts, and is needed where the certificate is issued first, and where the version changes."
  type        = map(string)
  default     = {}
  nullable    = false
  ephemeral   = true

  validation {
    condition     = alltrue([for name, key in var.host_private_keys : try(var.hosts[name].private_key_pem_wo_version, null) != null if key != null])
    error_message = "Each key in host_private_keys needs private_key_pem_wo_version in hosts, under the same name: it is what is stored of the key."
  }
}

variable "client_validity_period_hours" {
  description = "How long the certificate of a client is valid. It is renewed in the last third, unless client_early_renewal_hours says otherwise."
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

variable "client_early_renewal_hours" {
  description = "How long before its end the certificate of a client is due for renewal: the first apply from then on renews it. Default: one third of client_validity_period_hours."
  type        = number
  default     = null

  validation {
    condition     = var.client_early_renewal_hours == null ? true : var.client_early_renewal_hours >= 0 && floor(var.client_early_renewal_hours) == var.client_early_renewal_hours
    error_message = "client_early_renewal_hours must be a whole number of hours, 0 or more."
  }

  validation {
    condition     = var.client_early_renewal_hours == null ? true : var.client_early_renewal_hours < var.client_validity_period_hours
    error_message = "client_early_renewal_hours must be less than client_validity_period_hours, or the certificate of a client would always be due."
  }
}

variable "client_rotation_triggers" {
  description = "Any change of this map rotates all clients now: each gets a new key and a new certificate. The first triggers, where there were none, do so too."
  type        = map(string)
  default     = null
}

variable "client_private_keys" {
  description = "Keys of your own by the names of their clients, unencrypted, in PEM: they are certified and never stored. Each needs `private_key_pem_wo_version` in client_overrides, and is needed where the certificate is issued first, and where the version changes."
  type        = map(string)
  default     = {}
  nullable    = false
  ephemeral   = true

  validation {
    condition     = alltrue([for name, key in var.client_private_keys : try(var.client_overrides[name].private_key_pem_wo_version, null) != null if key != null])
    error_message = "Each key in client_private_keys needs private_key_pem_wo_version in client_overrides, under the same name: it is what is stored of the key."
  }
}

variable "daemon" {
  description = "Options of the daemons, as the function cloud_init takes them: mode, directory, port, listen, address, clients, settings. What a host has of its own comes before that. Deliveries bring them too, and store them in the state, in clear."
  type        = any
  default     = {}
  nullable    = false

  validation {
    condition     = can(keys(var.daemon))
    error_message = "daemon must be an object, such as { port = 2377, settings = { live-restore = true } }."
  }
}

variable "user_data_format" {
  description = "What the hosts read at their first boot: cloud-init or ignition (Flatcar, Fedora CoreOS). A host may have another one."
  type        = string
  default     = "cloud-init"
  nullable    = false

  validation {
    condition     = contains(["cloud-init", "ignition"], var.user_data_format)
    error_message = "user_data_format must be \"cloud-init\" or \"ignition\"."
  }
}

variable "host_files" {
  description = "Whether the outputs host_files and server_files are made, which takes time in each plan of hundreds of hosts."
  type        = bool
  default     = false
  nullable    = false
}

# The delivery to hosts that run.

variable "deliver" {
  description = "Whether each host is kept on its certificate by a docker_tls_daemon: an apply that renews the certificate then also puts it on the host and restarts Docker, one host after the other. delivery_overrides says otherwise of single hosts. Off by default."
  type        = bool
  default     = false
  nullable    = false
}

variable "delivery" {
  description = <<-EOT
    How the hosts are delivered to.

    - `client` is the one of clients whose certificate lets the visits in. By default the authority signs one for each visit, for minutes and in memory.
    - `certificates_only` leaves `daemon.json` and the systemd units of the hosts as they are. By default they get what user data has, and `daemon.json` keeps its other keys.
    - `timeout` and `restart` are arguments of docker_tls_daemon, `jump_host` and `jump_host_key` those of its `ssh`.
  EOT
  type = object({
    client            = optional(string)
    certificates_only = optional(bool, false)
    timeout           = optional(string)
    restart           = optional(string)
    jump_host         = optional(string)
    jump_host_key     = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.delivery.client == null ? true : contains(var.clients, var.delivery.client)
    error_message = "delivery.client must be one of clients."
  }

  validation {
    condition     = var.delivery.client == null ? true : !contains(local.keyless, var.delivery.client)
    error_message = "delivery.client must be a client whose key is made here: who visits needs the key."
  }
}

variable "delivery_overrides" {
  description = <<-EOT
    How single hosts are delivered to, by their names in hosts, in place of what delivery says of all. In a variable of its own, so that it may depend on the user data of the hosts: `{ web1 = { address = aws_instance.web1.private_ip } }`.

    - `enabled` is whether it is delivered to, in place of deliver: `true` for a single host, `false` for one that is away.
    - `address` is where the host is reached, a name or an IP address in its certificate: by default its `address` in hosts.
    - `via` is another way in than Docker's port: `"ssh://root@10.0.0.5"`. `host_key` is the content of /etc/ssh/ssh_host_ed25519_key.pub there: by default what ~/.ssh/known_hosts has. A `jump_host` of its own has its own `jump_host_key`, by default from there too.
  EOT
  type = map(object({
    enabled           = optional(bool)
    address           = optional(string)
    via               = optional(string)
    host_key          = optional(string)
    client            = optional(string)
    certificates_only = optional(bool)
    timeout           = optional(string)
    restart           = optional(string)
    jump_host         = optional(string)
    jump_host_key     = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setsubtract(keys(var.delivery_overrides), keys(var.hosts))) == 0
    error_message = "delivery_overrides has names that are not in hosts: ${join(", ", setsubtract(keys(var.delivery_overrides), keys(var.hosts)))}."
  }

  validation {
    condition     = alltrue([for own in values(var.delivery_overrides) : contains(var.clients, own.client) if try(own.client, null) != null])
    error_message = "client in delivery_overrides must be one of clients."
  }

  validation {
    condition     = alltrue([for own in values(var.delivery_overrides) : !contains(local.keyless, own.client) if try(own.client, null) != null])
    error_message = "client in delivery_overrides must be a client whose key is made here: who visits needs the key."
  }

  validation {
    condition = alltrue([
      for address in [for own in values(var.delivery_overrides) : own.address if try(own.address, null) != null] :
      can(provider::docker::client_env("tcp://${strcontains(address, ":") && !startswith(address, "[") ? "[${address}]" : address}:2376"))
    ])
    error_message = "address in delivery_overrides is a host name or an IP address alone: the port is that of daemon."
  }

  validation {
    condition     = alltrue([for own in values(var.delivery_overrides) : own.via != null if try(coalesce(own.host_key, own.jump_host, own.jump_host_key), null) != null])
    error_message = "host_key, jump_host and jump_host_key in delivery_overrides are of a host that is reached over SSH: write via = \"ssh://root@10.0.0.5\" as well."
  }
}

variable "delivery_ssh" {
  description = "The SSH key of who logs in by `via`, in PEM, and its passphrase. Default: the keys of the agent that SSH_AUTH_SOCK names. It is never stored."
  type = object({
    private_key_pem        = optional(string)
    private_key_passphrase = optional(string)
  })
  default   = {}
  nullable  = false
  ephemeral = true
}

# The authority: made here, or given.

variable "ca_common_name" {
  description = "Common name of the authority."
  type        = string
  default     = "Docker CA"
  nullable    = false
}

variable "ca_subject" {
  description = "More of the authority's subject. Its organization comes before that of all. A change makes a new key."
  type = object({
    country             = optional(string)
    email_address       = optional(string)
    locality            = optional(string)
    organization        = optional(string)
    organizational_unit = optional(string)
    postal_code         = optional(string)
    province            = optional(string)
    street_address      = optional(list(string))
  })
  default  = {}
  nullable = false
}

variable "ca_key_algorithm" {
  description = "Algorithm of the authority's key. Default: key_algorithm."
  type        = string
  default     = null

  validation {
    condition     = var.ca_key_algorithm == null ? true : contains(["ECDSA_P256", "ECDSA_P384", "ECDSA_P521", "RSA_2048", "RSA_3072", "RSA_4096", "ED25519"], var.ca_key_algorithm)
    error_message = "ca_key_algorithm must be one of ECDSA_P256, ECDSA_P384, ECDSA_P521, RSA_2048, RSA_3072, RSA_4096 and ED25519."
  }

  validation {
    condition     = var.ca_key_algorithm == null || var.ca_private_key_version == null
    error_message = "ca_key_algorithm is of a key that is made here: leave it out, or ca_private_key_version."
  }
}

variable "ca_validity_period_hours" {
  description = "How long the authority's root is valid. It rotates in the last third, unless ca_early_renewal_hours says otherwise, and without an outage."
  type        = number
  default     = 5 * 365 * 24
  nullable    = false

  validation {
    condition     = var.ca_validity_period_hours >= 1 && floor(var.ca_validity_period_hours) == var.ca_validity_period_hours
    error_message = "ca_validity_period_hours must be a whole number of hours, at least 1."
  }
}

variable "ca_early_renewal_hours" {
  description = "How long before its end the authority is due for renewal: the first apply from then on renews it. Default: one third of ca_validity_period_hours."
  type        = number
  default     = null

  validation {
    condition     = var.ca_early_renewal_hours == null ? true : var.ca_early_renewal_hours >= 0 && floor(var.ca_early_renewal_hours) == var.ca_early_renewal_hours
    error_message = "ca_early_renewal_hours must be a whole number of hours, 0 or more."
  }

  validation {
    condition     = var.ca_early_renewal_hours == null ? true : var.ca_early_renewal_hours < var.ca_validity_period_hours
    error_message = "ca_early_renewal_hours must be less than ca_validity_period_hours, or the authority would always be due."
  }
}

variable "ca_reuse_private_key" {
  description = "Whether the next certificate of the authority keeps its key, so that what it has issued stays as it is. By default the clock makes a new key."
  type        = bool
  default     = null
}

variable "ca_name_constraints" {
  description = "Limits the names of the certificates that the authority can issue: domains such as `example.com`, ranges such as `10.0.0.0/8`. A change makes a new key."
  type = object({
    permitted_dns_domains = optional(list(string))
    excluded_dns_domains  = optional(list(string))
    permitted_ip_ranges   = optional(list(string))
    excluded_ip_ranges    = optional(list(string))
  })
  default = null
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

variable "ca_private_key_version" {
  description = "Any number, which says that ca_private_key.pem is the key of the authority that is made here. Another number rotates to the key that is then given."
  type        = number
  default     = null
}

variable "ca_private_key_passphrase_version" {
  description = "Any number, which says that the key of the authority that is made here is stored encrypted, under ca_private_key_passphrase. Another number encrypts it anew, and issues nothing."
  type        = number
  default     = null

  validation {
    condition     = var.ca_private_key_passphrase_version == null || var.ca_private_key_version == null
    error_message = "A passphrase encrypts the key in the state, and a key of your own is not stored: leave ca_private_key_passphrase_version out, or ca_private_key_version."
  }
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

# Secrets of the authority. They are ephemeral: neither a plan nor the state ever holds them.

variable "ca_private_key_passphrase" {
  description = "Passphrase of the authority's key: of a given authority if its key is encrypted, and of one that is made here with ca_private_key_passphrase_version."
  type        = string
  default     = null
  ephemeral   = true

  validation {
    condition     = var.ca_private_key_passphrase_version == null || var.ca != null || var.ca_private_key_passphrase != null
    error_message = "ca_private_key_passphrase_version is set, so ca_private_key_passphrase is needed."
  }
}

variable "ca_private_key" {
  description = <<-EOT
    What else there is of the authority's keys, in PEM, unencrypted.

    - `pem` is the authority's key where the state has none: of a given authority with a key of its own, and of one that is made here with ca_private_key_version.
    - `previous_pem` is the key of your own so far, for a rotation away from it: it certifies its successor.
    - `previous_passphrase` is the passphrase so far, for a change of the passphrase, or to store the key without one again.
  EOT
  type = object({
    pem                 = optional(string)
    previous_pem        = optional(string)
    previous_passphrase = optional(string)
  })
  default   = {}
  nullable  = false
  ephemeral = true

  validation {
    condition     = var.ca_private_key.pem == null || var.ca != null || var.ca_private_key_version != null
    error_message = "ca_private_key.pem is not stored, so only ca_private_key_version tells that it is set: write 1, and another number whenever the key changes."
  }
}
