package entrafed

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Cloud says where one Microsoft cloud answers and how it names itself. It is plain data: take the value of
// [Global], [USGovernmentHigh], [USGovernmentDoD] or [China] and change any field. The zero Cloud means [Global]
// wherever a configuration of this module holds one.
//
// Tokens and assertions of one cloud are worth nothing in another.
type Cloud struct {
	// Name is for people: logs, findings, pages.
	Name string

	// Login is the origin of the sign-in service, without a trailing slash: "https://login.microsoftonline.com".
	// Tokens are fetched below it, and smart links start at its /login.srf.
	Login string

	// Graph is the origin of Microsoft Graph, without a version and without a trailing slash:
	// "https://graph.microsoft.com".
	Graph string

	// AssertionConsumerService is the one URL that a SAML response is posted to. It is the Destination and the
	// Recipient of every response, and is never taken from a request.
	AssertionConsumerService string

	// Audience is the cloud's entity ID as a service provider, and the audience of every assertion:
	// "urn:federation:MicrosoftOnline". No public page states it for the two US government clouds; it is empty
	// there and must be set, to the cloud_audience_urn that
	// GET {Login}/common/UserRealm/{upn}?api-version=1.0 returns for a user of the tenant.
	Audience string

	// Metadata is the URL of the service provider's SAML metadata, or empty where none is published.
	Metadata string

	// Hosts lists the host suffixes of the cloud's own applications: a deep link may lead to one of these hosts or to a
	// host below it. Sites of other organisations are below them too, such as those of SharePoint; to allow one
	// tenant's only, list its hosts instead.
	Hosts []string

	// InsecureLoopback allows http URLs whose host is localhost, 127.0.0.1 or ::1, for a simulated tenant on this
	// machine. It is safe only there: with it, whoever can listen on this machine can receive assertions.
	InsecureLoopback bool
}

// Global is Microsoft's worldwide cloud, which also serves US GCC (the moderate one).
//
// Sources: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp and
// https://learn.microsoft.com/graph/deployments.
func Global() Cloud {
	return Cloud{
		Name:                     "Global",
		Login:                    "https://login.microsoftonline.com",
		Graph:                    "https://graph.microsoft.com",
		AssertionConsumerService: "https://login.microsoftonline.com/login.srf",
		Audience:                 "urn:federation:MicrosoftOnline",
		Metadata:                 "https://nexus.microsoftonline-p.com/federationmetadata/saml20/federationmetadata.xml",
		Hosts: []string{
			"sharepoint.com", "office.com", "office365.com", "microsoft.com", "cloud.microsoft", "outlook.com",
			"microsoft365.com", "onedrive.com", "portal.azure.com", "activedirectory.windowsazure.com",
			"microsoftonline.com", "dynamics.com", "powerapps.com", "powerbi.com", "powerautomate.com",
		},
	}
}

// USGovernmentHigh is the US government cloud GCC High (L4). Its Audience is empty and must be set: see
// [Cloud.Audience].
func USGovernmentHigh() Cloud {
	return usGovernment("US Government (GCC High)", "https://graph.microsoft.us")
}

// USGovernmentDoD is the US government cloud DoD (L5). Its Audience is empty and must be set: see [Cloud.Audience].
func USGovernmentDoD() Cloud {
	return usGovernment("US Government (DoD)", "https://dod-graph.microsoft.us")
}

func usGovernment(name, graph string) Cloud {
	return Cloud{
		Name:                     name,
		Login:                    "https://login.microsoftonline.us",
		Graph:                    graph,
		AssertionConsumerService: "https://login.microsoftonline.us/login.srf",
		Hosts: []string{
			"sharepoint.us", "sharepoint-mil.us", "office365.us", "office.us", "microsoft.us", "portal.azure.us",
			"microsoftonline.us", "dps.mil",
		},
	}
}

// China is Microsoft 365 and Azure operated by 21Vianet.
func China() Cloud {
	return Cloud{
		Name:                     "China (21Vianet)",
		Login:                    "https://login.partner.microsoftonline.cn",
		Graph:                    "https://microsoftgraph.chinacloudapi.cn",
		AssertionConsumerService: "https://login.partner.microsoftonline.cn/login.srf",
		Audience:                 "urn:federation:partner.microsoftonline.cn",
		Metadata:                 "https://nexus.partner.microsoftonline-p.cn/federationmetadata/saml20/federationmetadata.xml",
		Hosts: []string{
			"sharepoint.cn", "office365.cn", "portal.azure.cn", "partner.outlook.cn", "partner.onmschina.cn",
			"partner.microsoftonline.cn",
		},
	}
}

// Clouds lists the clouds known to this module, the worldwide one first.
func Clouds() []Cloud {
	return []Cloud{Global(), USGovernmentHigh(), USGovernmentDoD(), China()}
}

// OrGlobal returns c, or [Global] if c is the zero Cloud.
func (c Cloud) OrGlobal() Cloud {
	if c.isZero() {
		return Global()
	}
	return c
}

func (c Cloud) isZero() bool {
	return c.Name == "" && c.Login == "" && c.Graph == "" && c.AssertionConsumerService == "" && c.Audience == "" &&
		c.Metadata == "" && len(c.Hosts) == 0 && !c.InsecureLoopback
}

// Validate returns one error that lists everything that is missing or wrong, or nil. It does not look at Hosts and
// Metadata, which may be empty.
func (c Cloud) Validate() error {
	var errs []error
	for _, field := range []struct{ name, value string }{
		{"Login", c.Login}, {"Graph", c.Graph}, {"AssertionConsumerService", c.AssertionConsumerService},
	} {
		if err := c.CheckURL(field.value); err != nil {
			errs = append(errs, fmt.Errorf("field %s of the Cloud: %w", field.name, err))
		}
	}
	if c.Audience == "" {
		errs = append(errs, fmt.Errorf("the Cloud.Audience is empty: set it to the cloud_audience_urn that "+
			"GET %s/common/UserRealm/{upn}?api-version=1.0 returns for a user of the tenant", c.Login))
	}
	return errors.Join(errs...)
}

// CheckURL says whether raw may be used as an address of this cloud or of a host that serves it: absolute, https,
// with a host and without credentials. With InsecureLoopback, http is allowed on a loopback host.
func (c Cloud) CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return errors.New("the URL is empty")
	case err != nil:
		return fmt.Errorf("%q is not a URL: %w", raw, err)
	case u.Host == "" || u.Hostname() == "":
		return fmt.Errorf("%q is not an absolute URL", raw)
	case u.User != nil:
		return errors.New("the URL must not carry credentials")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && c.InsecureLoopback && IsLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q must begin with https://", raw)
}

// IsLoopback reports whether host, without a port, names this machine: localhost or an address of 127.0.0.0/8 or ::1.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
