package resources

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
)

// daemonModel is the schema of docker_tls_daemon.
type daemonModel struct {
	Host    types.String  `tfsdk:"host"`
	Server  types.Object  `tfsdk:"server"`
	CA      types.Object  `tfsdk:"ca"`
	Client  types.Object  `tfsdk:"client"`
	Via     types.String  `tfsdk:"via"`
	SSH     types.Object  `tfsdk:"ssh"`
	Clients types.List    `tfsdk:"clients"`
	Options types.Dynamic `tfsdk:"options"`
	Restart types.String  `tfsdk:"restart"`
	Timeout types.String  `tfsdk:"timeout"`

	ContentSHA256           types.String `tfsdk:"content_sha256"`
	ServedFingerprintSHA256 types.String `tfsdk:"served_fingerprint_sha256"`
	DockerVersion           types.String `tfsdk:"docker_version"`
}

// Values of restart, the default first.
const (
	restartSystemd = "systemd"
	restartNone    = "none"
)

// Timeouts where none is configured, and the longest.
const (
	createTimeout    = "5m"
	updateTimeout    = "90s"
	maxDaemonTimeout = "1h"
)

func (r *daemon) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	computed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Keeps the certificate of a running Docker daemon current, through the daemon's own port. An apply that renews the certificate puts it on the host, restarts Docker, and proves from outside that it is served. If that fails, it is undone. " +
			"Nothing is installed on the host.\n\n" +
			"- A delivery writes only what differs. A host that has everything and serves it is left alone.\n" +
			"- Create waits for a host that is booting. So one apply makes a host with `cloud_init`, and ends when its Docker answers over TLS.\n" +
			"- A refresh asks the host for its certificate, with one handshake of 2 seconds at most. If the host serves another certificate, the plan shows an update. A host that does not answer is a warning.\n" +
			"- If the certificate of a daemon has expired, the next apply repairs it, as long as the daemon still serves what this resource delivered last.\n" +
			"- `rollout` in the provider's configuration says how many hosts are delivered to at once, and that the first failure stops the others.\n" +
			"- A rotation of an authority with an overlap reaches the hosts in the same apply.\n" +
			"- The state holds no private key and no certificate. Destroy leaves the host as it is.\n\n" +
			"~> **Warning:** A delivery restarts Docker, and containers stop unless `daemon.json` has `\"live-restore\": true`.\n\n" +
			"~> **Warning:** To cut an old root off (`overlap_hours = 0`) takes two applies: rotate and deliver while both roots are trusted, then cut. In one apply, the new authority could not get in. With `via`, one apply is enough.",
		Attributes: map[string]schema.Attribute{
			"host": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Where the daemon serves, and where that is proved: `tcp://name:port`, with a name or an address that is in the certificate of `server`. A change is an update in place.",
				Validators:          []validator.String{inputs.NewCheck("an address such as tcp://web1.example.com:2376", func(text string) error { _, err := docker.ParseEndpoint(text); return err })},
			},
			"server":  serverAttribute(),
			"ca":      visitingCAAttribute(),
			"client":  clientAttribute(),
			"via":     viaAttribute(),
			"ssh":     sshAttribute(),
			"clients": clientsAttribute(),
			"options": optionsAttribute(),
			"restart": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "`\"systemd\"` (default) has the host's systemd restart `docker.service` if files differ, and proves what is served then. " +
					"`\"none\"` writes the files and proves nothing. The daemon serves them after its next restart.",
				Validators: []validator.String{stringvalidator.OneOf(restartSystemd, restartNone)},
			},
			"timeout": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "How long a host may take to answer, and again to serve what was delivered, as a duration such as `\"2m\"`. What is not proved by then is undone, and is an error. " +
					"Default `\"" + createTimeout + "\"` at create, for a host that is booting, and `\"" + updateTimeout + "\"` at update; at most `\"" + maxDaemonTimeout + "\"`. Waiting for other hosts does not count.",
				Validators: []validator.String{inputs.NewCheck("a duration such as 90s", func(text string) error {
					_, err := inputs.ParseTimeout(text, maxDaemonTimeout)
					return err
				})},
			},
			"content_sha256":            computed("SHA-256 hash over the files that were delivered. It leaves out the private key, because the certificate stands for it."),
			"served_fingerprint_sha256": computed("SHA-256 fingerprint of the certificate that the host was last seen to serve, in lower-case hex."),
			"docker_version":            computed("Docker's version at the last delivery, such as `28.2.2`."),
		},
	}
}

// writeOnlyText is a text in an object that is write-only. To call it sensitive as
// well would put its path into every state.
func writeOnlyText(description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, WriteOnly: true, MarkdownDescription: description}
}

func requiredText(description string) schema.StringAttribute {
	return schema.StringAttribute{Required: true, WriteOnly: true, MarkdownDescription: description}
}

func serverAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Required:            true,
		WriteOnly:           true,
		MarkdownDescription: "What the daemon is to serve: `server = docker_tls_server_cert.host`, or an object with these attributes. Write-only: it is not stored here.",
		Attributes: map[string]schema.Attribute{
			"ca_cert_pem":     requiredText("The roots of the certificate's authority in PEM, as in `docker_tls_server_cert.host.ca_cert_pem`. They are the daemon's `ca.pem`, unless `clients` is set."),
			"cert_pem":        requiredText("The daemon's certificate in PEM, and the chain to previous roots behind it: its `server-cert.pem`."),
			"private_key_pem": writeOnlyText("The private key of the certificate in PEM: the daemon's `server-key.pem`. Null if the host keeps its private key, because it made the request or was given a private key of your own. The private key then stays where it is."),
		},
	}
}

func visitingCAAttribute() schema.SingleNestedAttribute {
	attribute := inputs.CAAttribute(true)
	attribute.Required, attribute.Optional = false, true
	attribute.MarkdownDescription = "The authority that lets the visit in: `ca = docker_tls_ca.this`, or an object with these attributes. It signs a client certificate with the common name `" + visitorName + "`, for minutes and in memory. The daemon must admit the clients of this authority. Either `ca` or `client` is needed. With `via`, neither is needed. Write-only: it is not stored."
	return attribute
}

func clientAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		WriteOnly:           true,
		MarkdownDescription: "The client certificate that lets the visit in, in place of `ca`: `client = docker_tls_client_cert.ci`, or an object with these attributes. The daemon must admit this client. Write-only: it is not stored.",
		Attributes: map[string]schema.Attribute{
			"cert_pem":        requiredText("The client's certificate in PEM, and the chain to previous roots behind it."),
			"private_key_pem": requiredText("The private key of the certificate in PEM."),
		},
	}
}

func viaAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Optional:  true,
		WriteOnly: true,
		MarkdownDescription: "Another way in than the port: `ssh://user@name` or `ssh://user@name:port`, for a host whose Docker serves no TLS yet, or whose port Terraform cannot reach. The visit then goes over SSH to Docker's socket on the host, and `ca` and `client` are not needed. " +
			"The user is root or in the group `docker`. The host must prove to have the key in `ssh.host_key`, or one that `~/.ssh/known_hosts` has for it. The user's private key is `ssh.private_key_pem`, or one of the agent that `SSH_AUTH_SOCK` names. `~/.ssh/config` is not read. " +
			"Write-only: it is not stored, so you can add or remove it later and nothing changes. After a delivery over SSH, a port that does not answer a refresh is no warning.",
	}
}

func sshAttribute() schema.SingleNestedAttribute {
	text := func(description string, validators ...validator.String) schema.StringAttribute {
		attribute := writeOnlyText(description)
		attribute.Validators = append(validators, stringvalidator.LengthAtLeast(1))
		return attribute
	}
	needs := func(argument string) validator.String {
		return stringvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName(argument))
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		WriteOnly:           true,
		MarkdownDescription: "How `via` gets in. Write-only: it is not stored.",
		Attributes: map[string]schema.Attribute{
			"host_key":               text("The public key of the host: the content of `/etc/ssh/ssh_host_ed25519_key.pub` there, or what `ssh-keyscan` prints. The host must prove to have its private half. Of several keys, each on a line of its own, the host must have one. Default: what `~/.ssh/known_hosts` has for the host."),
			"private_key_pem":        text("The private key of the user, as `ssh-keygen` or `openssl` write it. Default: the keys of the agent that `SSH_AUTH_SOCK` names."),
			"private_key_passphrase": text("The passphrase of an encrypted `private_key_pem`.", needs("private_key_pem")),
			"jump_host":              text("The host through which this host is reached: `ssh://user@name` or `ssh://user@name:port`, with the same private key of the user or the same agent."),
			"jump_host_key":          text("The public key of the jump host, as `host_key`.", needs("jump_host")),
		},
	}
}

func clientsAttribute() schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		Optional:            true,
		WriteOnly:           true,
		MarkdownDescription: "The authorities whose clients may enter, as the option `clients` of `cloud_init`: `clients = [docker_tls_ca.ops]`, or a list of objects with `cert_pem`. Default: `server.ca_cert_pem`. Write-only: it is not stored.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			// Required, the framework would miss it in an element that is null or not known.
			"cert_pem": writeOnlyText("The roots of the authority in PEM. Needed in every element that is not null."),
		}},
	}
}

// optionsAttribute takes any object, as the functions do: of a nested attribute,
// Terraform drops the keys that it does not have, and a misspelt address would open
// the port to everybody.
func optionsAttribute() schema.DynamicAttribute {
	return schema.DynamicAttribute{
		Optional: true,
		MarkdownDescription: "How the daemon is set up: an object of the options of `cloud_init`, without `clients`, which is an argument of its own. `daemon.json` and the systemd units are then delivered too, and `daemon.json` keeps its other keys. " +
			"If null, only the certificate files are delivered, to the paths that `daemon.json` has. " +
			"The state stores the options in clear. If you remove a key of `settings` here, it is removed on the host.\n\n" +
			inputs.HostOptions("is that of `host`, and no other is allowed, because the certificate is proved there", ""),
	}
}
