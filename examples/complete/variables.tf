variable "passphrase" {
  description = "Passphrase of the authority's key. It is never stored."
  type        = string
  ephemeral   = true
}

variable "domain" {
  description = "Domain of the hosts: the authority can issue for no other."
  type        = string
  default     = "example.com"
}

variable "networks" {
  description = "Networks of the hosts: the authority can issue for no others."
  type        = list(string)
  default     = ["10.0.0.0/8"]
}

variable "addresses" {
  description = "Private address of each host."
  type        = object({ web1 = string, web2 = string, db1 = string })
  default     = { web1 = "10.0.0.5", web2 = "10.0.0.6", db1 = "10.0.0.7" }
}

variable "round" {
  description = "Another text renews all hosts now."
  type        = string
  default     = "first"
}

variable "parallel" {
  description = "How many hosts are delivered to at once."
  type        = number
  default     = 1
}

variable "deliver" {
  description = "Whether the hosts are on, so that they are delivered to."
  type        = bool
  default     = false
}

variable "delivery" {
  description = "What single hosts have of their own: whether they are delivered to, their address if it is another one, and SSH as the way in, with the host's key."
  type = map(object({
    enabled  = optional(bool)
    address  = optional(string)
    via      = optional(string)
    host_key = optional(string)
  }))
  default = {}
}

variable "private_key_file" {
  description = "SSH key to log in with where delivery has via. Default: those of the SSH agent."
  type        = string
  default     = null
}
