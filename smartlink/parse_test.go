package smartlink_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/smartlink"
)

// readLinks is what is found in bookmarks, intranets and old guides.
var readLinks = []struct {
	name   string
	policy smartlink.Policy
	raw    string
	want   smartlink.Link
	modern string // what it becomes; "" where the old link does not say the domain
}{
	{
		name: "Auth0's sample, which escapes dots",
		raw: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fcontoso%2Esharepoint%2Ecom",
		want: smartlink.Link{Domain: "contoso.com", Target: "https://contoso.sharepoint.com"},
		modern: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fcontoso.sharepoint.com",
	},
	{
		name: "target without encoding",
		raw: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https://contoso.sharepoint.com/sites/hr",
		want: smartlink.Link{Domain: "contoso.com", Target: "https://contoso.sharepoint.com/sites/hr"},
		modern: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fhr",
	},
	{
		name: "any order, any case of names, and the default port",
		raw: "https://LOGIN.microsoftonline.com:443/Login.srf?login_hint=contoso.com" +
			"&WREPLY=https%3A%2F%2Fcontoso.sharepoint.com&WHR=Contoso.com&WA=wsignin1.0&",
		want: smartlink.Link{Domain: "contoso.com", Target: "https://contoso.sharepoint.com", LoginHint: "contoso.com"},
		modern: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fcontoso.sharepoint.com&login_hint=contoso.com",
	},
	{
		name: "old portal link, target encoded twice inside wreply, no domain",
		raw: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&rpsnv=4&ct=1458028969&rver=6.7.6640.0&wp=MCMBI" +
			"&wreply=https%3a%2f%2fportal.office.com%2flanding.aspx%3ftarget%3d%252fdefault.aspx&lc=1033&id=501392",
		want: smartlink.Link{Form: smartlink.OldLoginSRF,
			Target: "https://portal.office.com/landing.aspx?target=%2fdefault.aspx"},
	},
	{
		name: "old Outlook link",
		raw: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&rpsnv=4&ct=1458028969&rver=6.6.6556.0&wp=MBI_SSL" +
			"&wreply=https%3a%2f%2foutlook.office.com%2fowa%2f%3frealm%3dcontoso.com%26exch%3d1" +
			"&id=260563&whr=contoso.com&CBCXT=out",
		want: smartlink.Link{Form: smartlink.OldLoginSRF, Domain: "contoso.com",
			Target: "https://outlook.office.com/owa/?realm=contoso.com&exch=1"},
		modern: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Foutlook.office.com%2Fowa%2F%3Frealm%3Dcontoso.com%26exch%3D1",
	},
	{
		name: "old Outlook link whose domain stands only in the target",
		raw: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0" +
			"&wreply=https%3a%2f%2foutlook.office.com%2fowa%2f%3frealm%3dContoso.com",
		want: smartlink.Link{Form: smartlink.OldLoginSRF, Domain: "contoso.com",
			Target: "https://outlook.office.com/owa/?realm=Contoso.com"},
		modern: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Foutlook.office.com%2Fowa%2F%3Frealm%3DContoso.com",
	},
	{
		name: "LoginOptions after the target, and the person's name",
		raw: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https://contoso.sharepoint.com&LoginOptions=1&username=person%40contoso.com",
		want: smartlink.Link{Form: smartlink.OldLoginSRF, Domain: "contoso.com",
			Target: "https://contoso.sharepoint.com", LoginHint: "person@contoso.com"},
		modern: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fcontoso.sharepoint.com&login_hint=person%40contoso.com",
	},
	{
		name: "AD FS link with wctx encoded twice",
		raw: "https://sts.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=urn:federation:MicrosoftOnline" +
			"&wctx=bk%253D1406747354%2526LoginOptions%253D3",
		want: smartlink.Link{Form: smartlink.ADFS},
	},
	{
		name: "AD FS link with wctx encoded once",
		raw: "https://sts.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=urn:federation:MicrosoftOnline" +
			"&wctx=wa%3Dwsignin1.0%26rpsnv%3D4%26ct%3D1435155873%26rver%3D6.6.6556.0%26wp%3DMBI_SSL" +
			"%26wreply%3Dhttps:%252F%252Foutlook.office365.com%252Fowa%252F%253Frealm%253Dcontoso.com" +
			"%2526authRedirect%253Dtrue" +
			"%26id%3D260563%26whr%3Dcontoso.com%26CBCXT%3Dout",
		want: smartlink.Link{Form: smartlink.ADFS, Domain: "contoso.com",
			Target: "https://outlook.office365.com/owa/?realm=contoso.com&authRedirect=true"},
		modern: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Foutlook.office365.com%2Fowa%2F%3Frealm%3Dcontoso.com%26authRedirect%3Dtrue",
	},
	{
		name: "AD FS link to SharePoint, with the person's name, on a port of its own",
		raw: "https://sts.contoso.com:8443/adfs/ls/?cbcxt=mai&vv=&username=person%40contoso.com&mkt=&lc=3081" +
			"&wa=wsignin1.0&wtrealm=urn%3afederation%3aMicrosoftOnline" +
			"&wctx=MEST%3D0%26LoginOptions%3D1%26wa%3Dwsignin1%252E0%26rpsnv%3D2%26wp%3DMBI" +
			"%26wreply%3Dhttps%253A%252F%252Fcontoso%252Esharepoint%252Ecom%252F%255Fforms%252Fdefault%252Easpx%26lc%3D3081",
		want: smartlink.Link{Form: smartlink.ADFS, Target: "https://contoso.sharepoint.com/_forms/default.aspx",
			LoginHint: "person@contoso.com"},
	},
	{
		name: "request that Entra itself made",
		raw: "https://sts.contoso.com/adfs/ls/?client-request-id=1&username=&wa=wsignin1.0" +
			"&wtrealm=urn%3afederation%3aMicrosoftOnline&wctx=LoginOptions%3D3%26estsredirect%3d2%26estsrequest%3drQIIA#",
		want: smartlink.Link{Form: smartlink.ADFS},
	},
	{
		name:   "AD FS link of China",
		policy: smartlink.Policy{Cloud: entrafed.China()},
		raw: "https://sts.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=urn:federation:partner.microsoftonline.cn" +
			"&wctx=whr%3Dcontoso.com",
		want:   smartlink.Link{Form: smartlink.ADFS, Domain: "contoso.com"},
		modern: "https://login.partner.microsoftonline.cn/login.srf?wa=wsignin1.0&whr=contoso.com",
	},
	{
		name: "Auth0 link of the custom provisioning page",
		raw:  "https://contoso.auth0.com/login?client=yNqQMENaYIONxAaQmrct341tZ9joEjTi&protocol=wsfed&state=&redirect_uri=&",
		want: smartlink.Link{Form: smartlink.Auth0Login, Client: "yNqQMENaYIONxAaQmrct341tZ9joEjTi"},
	},
	{
		name: "Auth0 link that says where to land",
		raw: "https://id.contoso.com/login?client=a&protocol=wsfed&connection=ContosoAD" +
			"&redirect_uri=https%3A%2F%2Fcontoso.sharepoint.com&login_hint=person%40contoso.com",
		want: smartlink.Link{Form: smartlink.Auth0Login, Client: "a", Connection: "ContosoAD",
			Target: "https://contoso.sharepoint.com", LoginHint: "person@contoso.com"},
	},
	{
		name: "Auth0 WS-Federation link",
		raw:  "https://contoso.auth0.com/wsfed/yNqQMENaYIONxAaQmrct341tZ9joEjTi?whr=ContosoAD",
		want: smartlink.Link{Form: smartlink.Auth0WSFed, Client: "yNqQMENaYIONxAaQmrct341tZ9joEjTi",
			Connection: "ContosoAD"},
	},
	{
		name: "Teams",
		raw:  "https://teams.microsoft.com/?tenantId=00001111-aaaa-2222-bbbb-3333cccc4444",
		want: smartlink.Link{Form: smartlink.Teams,
			Target: "https://teams.microsoft.com/?tenantId=00001111-aaaa-2222-bbbb-3333cccc4444"},
	},
	{
		name: "Outlook link with the realm first",
		raw:  "https://outlook.office365.com/owa/?realm=contoso.com&exsvurl=1&modurl=1#path=/mail",
		want: smartlink.Link{Form: smartlink.OutlookRealm, Domain: "contoso.com",
			Target: "https://outlook.office365.com/owa/?exsvurl=1&modurl=1#path=/mail"},
		modern: "https://outlook.office365.com/owa/?exsvurl=1&modurl=1&realm=contoso.com#path=/mail",
	},
	{
		name:   "slash after the domain",
		raw:    "https://portal.azure.com/Contoso.com/#home",
		want:   smartlink.Link{Form: smartlink.AzurePortal, Domain: "contoso.com", Target: "https://portal.azure.com/#home"},
		modern: "https://portal.azure.com/contoso.com#home",
	},
	{
		name:   "work account start page with more parameters",
		raw:    "https://m365.cloud.microsoft/?auth=2&home=1&from=ShellLogo",
		want:   smartlink.Link{Form: smartlink.Microsoft365, Target: "https://m365.cloud.microsoft/?home=1&from=ShellLogo"},
		modern: "https://m365.cloud.microsoft/?home=1&from=ShellLogo&auth=2",
	},
	{
		name: "hints between the other parameters of an authorization request",
		raw: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=a&domain_hint=contoso.com" +
			"&scope=b%20c+d&login_hint=person%40contoso.com&resource=e&resource=f",
		want: smartlink.Link{Form: smartlink.Authorize, Domain: "contoso.com", LoginHint: "person@contoso.com",
			Target: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize" +
				"?client_id=a&scope=b%20c+d&resource=e&resource=f"},
		modern: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize" +
			"?client_id=a&scope=b%20c+d&resource=e&resource=f&domain_hint=contoso.com&login_hint=person%40contoso.com",
	},
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range readLinks {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := test.policy.Parse(test.raw)
			require.NoError(t, err)
			require.Equal(t, test.want, got)

			modern, err := test.policy.Build(got.Modern())
			if test.modern == "" {
				require.ErrorIs(t, err, smartlink.ErrDomain, "the domain, and only that, is left to fill in")
				filled := got.Modern()
				filled.Domain = "contoso.com"
				_, err = test.policy.Build(filled)
			}
			require.NoError(t, err)
			require.Equal(t, test.modern, modern)
			if got.Form.ParserOnly() {
				_, err := test.policy.Build(got)
				require.ErrorIs(t, err, smartlink.ErrParserOnly)
			}
		})
	}
}

func TestRefusedRawLinks(t *testing.T) {
	t.Parallel()
	const (
		login = "https://login.microsoftonline.com/login.srf?wa=wsignin1.0"
		adfs  = "https://sts.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=urn:federation:MicrosoftOnline"
		reply = "&wreply=https%3A%2F%2Fcontoso.sharepoint.com"
	)
	for _, test := range []struct {
		rule, raw string
		want      error
	}{
		{"empty", "", smartlink.ErrUnknownForm},
		{"no URL", "contoso.com", smartlink.ErrUnknownForm},
		{"http", "http://outlook.com/contoso.com", smartlink.ErrUnknownForm},
		{"credentials", "https://a@outlook.com/contoso.com", smartlink.ErrUnknownForm},
		{"control character", "https://outlook.com/contoso.com\n", smartlink.ErrUnknownForm},
		{"longer than 16384 bytes", login + "&whr=contoso.com&a=" + string(make([]byte, 16384)), smartlink.ErrTooLong},
		{"another site", "https://evil.example/login.srf?wa=wsignin1.0&whr=contoso.com", smartlink.ErrUnknownForm},
		{"login.srf of another cloud", "https://login.partner.microsoftonline.cn/login.srf?wa=wsignin1.0&whr=contoso.com",
			smartlink.ErrUnknownForm},
		{"login.srf on a port", "https://login.microsoftonline.com:8443/login.srf?wa=wsignin1.0&whr=contoso.com",
			smartlink.ErrUnknownForm},
		{"another page of the sign-in service", "https://login.microsoftonline.com/?whr=contoso.com",
			smartlink.ErrUnknownForm},
		{"sign-out", "https://login.microsoftonline.com/login.srf?wa=wsignout1.0&whr=contoso.com", smartlink.ErrUnknownForm},
		{"no wa", "https://login.microsoftonline.com/login.srf?whr=contoso.com", smartlink.ErrUnknownForm},
		{"two wreply", login + "&whr=contoso.com" + reply + "&wreply=https%3A%2F%2Fevil.example", smartlink.ErrRepeated},
		{"two wreply of the same value", login + "&whr=contoso.com" + reply + reply, smartlink.ErrRepeated},
		{"two wreply in different case", login + "&whr=contoso.com" + reply + "&WReply=https%3A%2F%2Fevil.example",
			smartlink.ErrRepeated},
		{"two wreply, one of them encoded", login + "&whr=contoso.com" + reply + "&%77reply=https%3A%2F%2Fevil.example",
			smartlink.ErrRepeated},
		{"two whr", login + "&whr=contoso.com&whr=contoso.org", smartlink.ErrRepeated},
		{"two wa", login + "&wa=wsignin1.0&whr=contoso.com", smartlink.ErrRepeated},
		{"two login_hint", login + "&whr=contoso.com&login_hint=a&login_hint=b", smartlink.ErrRepeated},
		{"whr that is no domain", login + "&whr=urn:contoso", smartlink.ErrDomain},
		{"wreply elsewhere", login + "&whr=contoso.com&wreply=https%3A%2F%2Fevil.example", smartlink.ErrTargetHost},
		{"wreply over http", login + "&whr=contoso.com&wreply=http%3A%2F%2Fcontoso.sharepoint.com",
			smartlink.ErrTargetScheme},
		{"wreply encoded twice", login + "&whr=contoso.com&wreply=https%253A%252F%252Fcontoso.sharepoint.com",
			smartlink.ErrTargetScheme},
		{"wreply with a newline", login + "&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com%0a",
			smartlink.ErrTargetSyntax},
		{"wreply that is not UTF-8", login + "&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com%2F%ff",
			smartlink.ErrTargetSyntax},
		{"wreply with a bad escape",
			login + "&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com%", smartlink.ErrEncoding},
		{"target whose query was not encoded",
			login + "&whr=contoso.com&wreply=https://contoso.sharepoint.com/a?b=1&c=2", smartlink.ErrEncoding},
		{"target whose fragment was not encoded", login + "&whr=contoso.com&wreply=https://contoso.sharepoint.com/#a",
			smartlink.ErrEncoding},
		{"login hint with a newline", login + "&whr=contoso.com&login_hint=a%0ab", smartlink.ErrLoginHint},

		{"AD FS link for another relying party",
			"https://sts.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=https%3A%2F%2Fapp.contoso.com", smartlink.ErrUnknownForm},
		{"AD FS link for another cloud",
			"https://sts.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=urn:federation:partner.microsoftonline.cn",
			smartlink.ErrUnknownForm},
		{"AD FS link that signs out",
			"https://sts.contoso.com/adfs/ls/?wa=wsignout1.0&wtrealm=urn:federation:MicrosoftOnline", smartlink.ErrUnknownForm},
		{"AD FS link with two wtrealm", adfs + "&wtrealm=urn:federation:MicrosoftOnline", smartlink.ErrRepeated},
		{"AD FS link with two wctx", adfs + "&wctx=a&wctx=b", smartlink.ErrRepeated},
		{"AD FS link with two wreply inside wctx",
			adfs + "&wctx=wreply%3Dhttps%253A%252F%252Fcontoso.sharepoint.com%26wreply%3Dhttps%253A%252F%252Fevil.example",
			smartlink.ErrRepeated},
		{"AD FS link that leads elsewhere",
			adfs + "&wctx=wreply%3Dhttps%253A%252F%252Fevil.example", smartlink.ErrTargetHost},
		{"AD FS link that leads elsewhere, encoded twice", adfs + "&wctx=wreply%253Dhttps%25253A%25252F%25252Fevil.example",
			smartlink.ErrTargetHost},
		{"AD FS link with a fragment", adfs + "&wctx=a#b", smartlink.ErrEncoding},

		{"Auth0 link that leads elsewhere",
			"https://contoso.auth0.com/login?client=a&protocol=wsfed&redirect_uri=https%3A%2F%2Fevil.example",
			smartlink.ErrTargetHost},
		{"Auth0 link of another protocol",
			"https://contoso.auth0.com/login?client=a&protocol=oauth2", smartlink.ErrUnknownForm},
		{"Auth0 link with two clients", "https://contoso.auth0.com/login?client=a&client=b&protocol=wsfed",
			smartlink.ErrRepeated},
		{"Auth0 link without a client", "https://contoso.auth0.com/wsfed/?whr=a", smartlink.ErrUnknownForm},
		{"Auth0 link below the client", "https://contoso.auth0.com/wsfed/a/b?whr=a", smartlink.ErrUnknownForm},
		{"Auth0 link with a fragment", "https://contoso.auth0.com/wsfed/a?whr=a#b", smartlink.ErrEncoding},

		{"two realms", "https://outlook.office365.com/owa/?realm=contoso.com&realm=contoso.org", smartlink.ErrRepeated},
		{"realm that is no domain", "https://outlook.office365.com/owa/?realm=contoso", smartlink.ErrDomain},
		{"Outlook elsewhere", "https://outlook.evil.example/owa/?realm=contoso.com", smartlink.ErrTargetHost},
		{"Outlook on a port", "https://outlook.office365.com:8443/owa/?realm=contoso.com", smartlink.ErrTargetHost},
		{"Outlook without a hint", "https://outlook.office365.com/owa/", smartlink.ErrUnknownForm},
		{"portal with a tenant's identifier", "https://portal.azure.com/00001111-aaaa-2222-bbbb-3333cccc4444",
			smartlink.ErrUnknownForm},
		{"portal elsewhere", "https://portal.azure.evil.example/contoso.com", smartlink.ErrTargetHost},
		{"two auth", "https://www.office.com/?auth=2&auth=1", smartlink.ErrRepeated},
		{"personal account", "https://www.office.com/?auth=1", smartlink.ErrUnknownForm},
		{"Teams elsewhere", "https://teams.evil.example/?tenantId=a", smartlink.ErrTargetHost},
		{"two domain hints", authorizeURL + "&domain_hint=contoso.com&domain_hint=contoso.org", smartlink.ErrRepeated},
		{"domain hint that is no domain", authorizeURL + "&domain_hint=organizations", smartlink.ErrDomain},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			got, err := smartlink.Policy{}.Parse(test.raw)
			require.ErrorIs(t, err, test.want)
			require.Equal(t, smartlink.Link{}, got)
			var linkError *smartlink.LinkError
			require.ErrorAs(t, err, &linkError)
		})
	}
}

func TestADFSLinksNeedTheAudienceOfTheCloud(t *testing.T) {
	t.Parallel()
	const raw = "https://sts.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=urn:federation:contoso&wctx=whr%3Dcontoso.com"
	cloud := entrafed.USGovernmentHigh()
	_, err := smartlink.Policy{Cloud: cloud}.Parse(raw)
	require.ErrorIs(t, err, smartlink.ErrUnknownForm)
	require.ErrorContains(t, err, "set the Audience of Policy.Cloud")

	cloud.Audience = "urn:federation:contoso"
	link, err := smartlink.Policy{Cloud: cloud}.Parse(raw)
	require.NoError(t, err)
	require.Equal(t, smartlink.Link{Form: smartlink.ADFS, Domain: "contoso.com"}, link)
}

func TestParseNamesTheRightCloud(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"https://login.partner.microsoftonline.cn/login.srf?wa=wsignin1.0&whr=contoso.com",
		"https://sts.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=urn:federation:partner.microsoftonline.cn",
	} {
		_, err := smartlink.Policy{}.Parse(raw)
		require.ErrorContains(t, err, "set Policy.Cloud to the cloud China (21Vianet)")
	}
}
