package smartlink

import "strconv"

// Form is the shape of a link. The zero Form is [LoginSRF].
type Form int

// Forms that can be built and read. The field of a [Link] that a form cannot carry must be empty.
const (
	// LoginSRF is the smart link proper:
	// {login}/login.srf?wa=wsignin1.0&whr={Domain}&wreply={Target}&login_hint={LoginHint}. Without a Target, Entra
	// chooses where to land. LoginHint, a UPN or the domain again, makes Entra ask when the browser already has a
	// session of another tenant, instead of using that one.
	LoginSRF Form = iota

	// OutlookRealm is https://outlook.office365.com/owa/?realm={Domain}. A Target is Outlook's address under /owa,
	// with whatever else its query and fragment hold.
	OutlookRealm

	// OutlookDomain is https://outlook.com/{Domain}; with the Target https://outlook.com/owa/ it is
	// https://outlook.com/owa/{Domain}.
	// Source: https://learn.microsoft.com/entra/identity/enterprise-apps/prevent-domain-hints-with-home-realm-discovery.
	OutlookDomain

	// AzurePortal is https://portal.azure.com/{Domain}.
	AzurePortal

	// MyApps is https://myapps.microsoft.com/{Domain}.
	MyApps

	// MyAppsHomeRealm is https://myapps.microsoft.com/?whr={Domain}.
	// Source: https://learn.microsoft.com/entra/fundamentals/how-to-customize-branding.
	MyAppsHomeRealm

	// Microsoft365 is https://m365.cloud.microsoft/?auth=2, or the same on office.com: the start page for work
	// accounts, in the worldwide cloud only. It names no domain.
	Microsoft365

	// SharePoint is the address of a SharePoint page and nothing else, for a tenant whose SignInAccelerationDomain
	// (Set-SPOTenant) already names the domain. It names no domain itself. Target is required.
	SharePoint

	// Authorize is an OpenID Connect authorization request of an application, with domain_hint={Domain} and
	// login_hint={LoginHint} added. Target is that request without the two, and is required: an address of the
	// cloud's sign-in service that ends in /oauth2/v2.0/authorize or /oauth2/authorize.
	// Source: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc.
	Authorize
)

// Forms of earlier days, which are read but never built: see [Link.Modern].
const (
	// OldLoginSRF is a login.srf link of the old portals, with rpsnv, ct, rver, wp, lc, id or CBCXT, or without whr.
	OldLoginSRF Form = iota + 100

	// ADFS is a WS-Federation request to AD FS or a server like it, made by hand:
	// {sts}/adfs/ls/?wa=wsignin1.0&wtrealm=urn:federation:MicrosoftOnline&wctx=…, with wctx encoded once or twice.
	ADFS

	// Auth0Login is {tenant}.auth0.com/login?client={Client}&protocol=wsfed.
	Auth0Login

	// Auth0WSFed is {tenant}.auth0.com/wsfed/{Client}?whr={Connection}.
	Auth0WSFed

	// Teams is https://teams.microsoft.com/?tenantId={id}: it names a tenant, not a domain.
	Teams
)

// String returns a name for logs and messages, such as "login.srf".
func (f Form) String() string {
	switch f {
	case LoginSRF:
		return "login.srf"
	case OutlookRealm:
		return "Outlook with realm"
	case OutlookDomain:
		return "Outlook with domain"
	case AzurePortal:
		return "Azure portal"
	case MyApps:
		return "My Apps"
	case MyAppsHomeRealm:
		return "My Apps with whr"
	case Microsoft365:
		return "Microsoft 365"
	case SharePoint:
		return "SharePoint"
	case Authorize:
		return "OpenID Connect authorize"
	case OldLoginSRF:
		return "old login.srf"
	case ADFS:
		return "AD FS"
	case Auth0Login:
		return "Auth0 login"
	case Auth0WSFed:
		return "Auth0 WS-Federation"
	case Teams:
		return "Teams with tenantId"
	}
	return "Form(" + strconv.Itoa(int(f)) + ")"
}

// ParserOnly reports whether links of this form are read but never built.
func (f Form) ParserOnly() bool { return f >= OldLoginSRF && f <= Teams }

// need says whether a form carries a field.
type need int

const (
	never need = iota
	optional
	required
)

// needs says which fields a form carries.
type needs struct{ domain, target, loginHint, auth0 need }

// needs returns false for a form that this package does not know.
func (f Form) needs() (needs, bool) {
	switch f {
	case LoginSRF:
		return needs{domain: required, target: optional, loginHint: optional}, true
	case OutlookRealm, OutlookDomain, AzurePortal, MyApps, MyAppsHomeRealm:
		return needs{domain: required, target: optional}, true
	case Microsoft365:
		return needs{target: optional}, true
	case SharePoint:
		return needs{target: required}, true
	case Authorize:
		return needs{domain: optional, target: required, loginHint: optional}, true
	case OldLoginSRF, ADFS:
		return needs{domain: optional, target: optional, loginHint: optional}, true
	case Auth0Login, Auth0WSFed:
		return needs{target: optional, loginHint: optional, auth0: optional}, true
	case Teams:
		return needs{target: required}, true
	}
	return needs{}, false
}
