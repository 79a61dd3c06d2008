// Package smartlink builds, reads and serves links that start a Microsoft 365 sign-in at once: the person is not asked
// which organisation they belong to, signs in at their own identity provider, and lands on the page they wanted.
//
//	link, err := smartlink.Link{
//		Domain: "contoso.com",
//		Target: "https://contoso.sharepoint.com/sites/hr",
//	}.URL()
//	// https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&wreply=https%3A%2F%2Fcontoso...
//
// [Link.URL] is enough for the worldwide cloud. A [Policy] says which cloud it is and which further hosts a link may
// lead to; [Policy.Build], [Policy.Parse] and [Policy.CheckTarget] all follow it. [Policy.Parse] also reads the links
// of earlier days (AD FS, Auth0, the old portals), and [Link.Modern] turns them into ones that work without those
// servers. [NewHandler] serves /go?to=… for a host that wants short links of its own, and [Start] is such a link.
//
// # Security
//
// No public page lists the hosts to which Entra will send a browser after sign-in, so this package does not lean on it:
// a target must be https, on a host of the cloud or of [Policy.Hosts], compared by whole labels, and written so that
// Go's net/url and a browser (https://url.spec.whatwg.org) cannot read it differently. Anything else is an error, in
// every direction: it is not built, not read and not redirected to. [Policy.CheckTarget] lists the rules.
//
// The hosts of a cloud are Microsoft's, not one tenant's: https://other.sharepoint.com passes too. A host that wants
// its own tenant only sets the cloud's Hosts to that tenant's hosts:
//
//	cloud := entrafed.Global()
//	cloud.Hosts = []string{"contoso.sharepoint.com", "outlook.office365.com"}
//	policy := smartlink.Policy{Cloud: cloud}
//
// # Encoding
//
// Each redirect layer encodes the address inside it once, and this package adds exactly the layer that it builds: the
// target goes into wreply escaped once, whatever the target itself already holds. A space is written %20, never +, so
// that readers of forms and readers of plain URLs agree. The target is never normalised: reading a built link gives
// the same bytes.
//
// # What a link cannot do
//
// Entra uses the hint only if it names a verified, federated domain of the tenant; a home realm discovery policy may
// ignore it, and a domain confirmation dialog may appear first. Microsoft advises against accelerating everybody,
// because people then cannot reach other ways to sign in, such as passkeys or a guest's own account:
// https://learn.microsoft.com/entra/identity/enterprise-apps/home-realm-discovery-policy.
package smartlink
