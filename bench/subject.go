package main

import "fmt"

// The subjects, as the report names them.
const (
	ours      = "docker-tls"
	emptyOurs = "empty, our schema"
	plainest  = "plainest plugin"
	builtIn   = "terraform_data"
	encrypted = "docker-tls, encrypted authority"
	ownKeys   = "docker-tls, own keys"
	requests  = "docker-tls, requests"
	tlsCount  = "hashicorp/tls, count"
	tlsModule = "hashicorp/tls, modules"
)

// subject is what is measured: a provider with a configuration for N hosts.
type subject struct {
	name     string
	provider string // the folder of its program; empty if it is built in
	source   string // the address of the provider
	config   string
	module   string // a module `host` of the configuration
	perHost  int    // resources
	others   int    // resources besides
	pad      int    // bytes that fill up a host's state
	keys     bool   // it reads the keys of the hosts from a file
}

// hosts is the address of each host by its name, as in the README.
const hosts = `
variable "hosts" { type = map(string) }
variable "generation" { type = string }
variable "pad" { type = string }
`

func requires(name, source string) string {
	return fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = %q }\n  }\n}\n", name, source)
}

// dockerTLS takes: more arguments of the authority, the authority as a host takes it,
// and more arguments of a host.
const dockerTLS = `
resource "docker_tls_ca" "this" {
  subject           = { common_name = "Docker CA", organization = "Example" }
  rotation_triggers = { generation = var.generation }
  %[1]s
}

resource "docker_tls_server_cert" "host" {
  for_each     = var.hosts
  ca           = %[2]s
  dns_names    = ["${each.key}.example.com"]
  ip_addresses = [each.value]
  %[3]s
}
`

const (
	authority   = "docker_tls_ca.this"
	passphrase  = "private_key_passphrase_wo         = \"correct horse\"\n  private_key_passphrase_wo_version = 1"
	unlocked    = "merge(docker_tls_ca.this, { private_key_passphrase = \"correct horse\" })"
	ownKey      = "private_key_pem_wo         = local.keys[each.key].key\n  private_key_pem_wo_version = 1"
	ownRequest  = "cert_request_pem = local.keys[each.key].request"
	keysOfAFile = "\nlocals {\n  keys = jsondecode(file(\"" + keysFile + "\"))\n}\n"
	keysFile    = "keys.json"
)

const plainestMap = `
resource "plainest_map" "host" {
  for_each = var.hosts
  triggers = { name = "${each.key}.example.com", address = each.value, pad = var.pad }
}
`

const terraformData = `
resource "terraform_data" "host" {
  for_each         = var.hosts
  triggers_replace = { name = "${each.key}.example.com", address = each.value, pad = var.pad }
}
`

const tlsAuthority = `
resource "tls_private_key" "ca" {
  algorithm   = "ECDSA"
  ecdsa_curve = "P256"
}

resource "tls_self_signed_cert" "ca" {
  private_key_pem       = tls_private_key.ca.private_key_pem
  is_ca_certificate     = true
  validity_period_hours = 43800
  allowed_uses          = ["cert_signing", "crl_signing"]
  subject {
    common_name  = "Docker CA"
    organization = "Example"
  }
}
`

// tlsHost takes: what repeats it, an index, a name, an address, the authority's key
// and its certificate.
const tlsHost = `
resource "tls_private_key" "host" {
  %[1]s
  algorithm   = "ECDSA"
  ecdsa_curve = "P256"
}

resource "tls_cert_request" "host" {
  %[1]s
  private_key_pem = tls_private_key.host%[2]s.private_key_pem
  dns_names       = ["${%[3]s}.example.com"]
  ip_addresses    = [%[4]s]
  subject {
    common_name = "${%[3]s}.example.com"
  }
}

resource "tls_locally_signed_cert" "host" {
  %[1]s
  cert_request_pem      = tls_cert_request.host%[2]s.cert_request_pem
  ca_private_key_pem    = %[5]s
  ca_cert_pem           = %[6]s
  validity_period_hours = 8760
  allowed_uses          = ["digital_signature", "server_auth"]
}
`

const (
	tlsKeyOfCA  = "tls_private_key.ca.private_key_pem"
	tlsCertOfCA = "tls_self_signed_cert.ca.cert_pem"
)

const tlsCall = `
module "host" {
  source             = "./host"
  for_each           = var.hosts
  name               = each.key
  address            = each.value
  ca_private_key_pem = ` + tlsKeyOfCA + `
  ca_cert_pem        = ` + tlsCertOfCA + `
}
`

const tlsVariables = `
variable "name" {}
variable "address" {}
variable "ca_private_key_pem" {}
variable "ca_cert_pem" {}
`

// subjects are all that are measured. Ours is the first.
func subjects(withTLS bool) []*subject {
	const docker, tls = "seed-2716f8bf/docker-tls", "hashicorp/tls"
	root := requires("docker", docker) + hosts
	managed := root + fmt.Sprintf(dockerTLS, "", authority, "")
	all := []*subject{
		{name: ours, provider: "ours", source: docker, config: managed, perHost: 1, others: 1},
		{name: encrypted, provider: "ours", source: docker, config: root + fmt.Sprintf(dockerTLS, passphrase, unlocked, ""), perHost: 1, others: 1},
		{name: ownKeys, provider: "ours", source: docker, config: root + keysOfAFile + fmt.Sprintf(dockerTLS, "", authority, ownKey), perHost: 1, others: 1, keys: true},
		{name: requests, provider: "ours", source: docker, config: root + keysOfAFile + fmt.Sprintf(dockerTLS, "", authority, ownRequest), perHost: 1, others: 1, keys: true},
		{name: emptyOurs, provider: "empty", source: docker, config: managed, perHost: 1, others: 1},
		{name: plainest, provider: "plainest", source: "seed-2716f8bf/plainest", config: requires("plainest", "seed-2716f8bf/plainest") + hosts + plainestMap, perHost: 1},
		{name: builtIn, config: hosts + terraformData, perHost: 1},
	}
	if !withTLS {
		return all
	}
	root = requires("tls", tls) + hosts + tlsAuthority
	counted := fmt.Sprintf(tlsHost, "count = length(var.hosts)", "[count.index]", `format("web%d", count.index)`, `cidrhost("10.0.0.0/8", count.index + 5)`, tlsKeyOfCA, tlsCertOfCA)
	module := requires("tls", tls) + tlsVariables + fmt.Sprintf(tlsHost, "", "", "var.name", "var.address", "var.ca_private_key_pem", "var.ca_cert_pem")
	return append(all,
		&subject{name: tlsCount, provider: "tls", source: tls, config: root + counted, perHost: 3, others: 2},
		&subject{name: tlsModule, provider: "tls", source: tls, config: root + tlsCall, module: module, perHost: 3, others: 2})
}
