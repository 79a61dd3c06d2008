package smartlink_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/smartlink"
)

const authorizeURL = "https://login.microsoftonline.com/common/oauth2/v2.0/authorize" +
	"?client_id=00001111-aaaa-2222-bbbb-3333cccc4444&response_type=code&scope=openid%20profile&state=a%2Bb+c"

func simulatedCloud() entrafed.Cloud {
	cloud := entrafed.Global()
	cloud.Login = "http://127.0.0.1:8080"
	cloud.InsecureLoopback = true
	return cloud
}

// builtLinks is every form that is built, with the URL that it must give; parsing that gives the same link.
var builtLinks = []struct {
	name   string
	policy smartlink.Policy
	link   smartlink.Link
	url    string
}{
	{
		name: "login.srf",
		link: smartlink.Link{Domain: "contoso.com", Target: "https://contoso.sharepoint.com"},
		url: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fcontoso.sharepoint.com",
	},
	{
		name: "login.srf without a target",
		link: smartlink.Link{Domain: "contoso.com"},
		url:  "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com",
	},
	{
		name: "login.srf with a login hint",
		link: smartlink.Link{Domain: "contoso.com", Target: "https://contoso.sharepoint.com", LoginHint: "a+b@contoso.com"},
		url: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fcontoso.sharepoint.com&login_hint=a%2Bb%40contoso.com",
	},
	{
		name: "login.srf with the domain as login hint and no target",
		link: smartlink.Link{Domain: "contoso.com", LoginHint: "contoso.com"},
		url:  "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&login_hint=contoso.com",
	},
	{
		name: "login.srf encodes the target once and leaves what it holds encoded once more",
		link: smartlink.Link{Domain: "contoso.com",
			Target: "https://contoso.sharepoint.com/Shared Documents/a+b.aspx?u=https%3A%2F%2Fcontoso.com%2F%3Fc%3D1&d=2#e"},
		url: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fcontoso.sharepoint.com%2FShared%20Documents%2Fa%2Bb.aspx" +
			"%3Fu%3Dhttps%253A%252F%252Fcontoso.com%252F%253Fc%253D1%26d%3D2%23e",
	},
	{
		name:   "login.srf in China",
		policy: smartlink.Policy{Cloud: entrafed.China()},
		link:   smartlink.Link{Domain: "contoso.com"},
		url:    "https://login.partner.microsoftonline.cn/login.srf?wa=wsignin1.0&whr=contoso.com",
	},
	{
		name:   "login.srf in GCC High",
		policy: smartlink.Policy{Cloud: entrafed.USGovernmentHigh()},
		link:   smartlink.Link{Domain: "contoso.com", Target: "https://contoso.sharepoint.us/"},
		url: "https://login.microsoftonline.us/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fcontoso.sharepoint.us%2F",
	},
	{
		name:   "login.srf at a simulated tenant",
		policy: smartlink.Policy{Cloud: simulatedCloud()},
		link:   smartlink.Link{Domain: "contoso.com", Target: "http://127.0.0.1:8081/app"},
		url: "http://127.0.0.1:8080/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=http%3A%2F%2F127.0.0.1%3A8081%2Fapp",
	},
	{
		name:   "login.srf to a host of the policy",
		policy: smartlink.Policy{Hosts: []string{"apps.contoso.com"}},
		link:   smartlink.Link{Domain: "contoso.com", Target: "https://apps.contoso.com/"},
		url: "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com" +
			"&wreply=https%3A%2F%2Fapps.contoso.com%2F",
	},
	{
		name: "Outlook with realm",
		link: smartlink.Link{Form: smartlink.OutlookRealm, Domain: "contoso.com"},
		url:  "https://outlook.office365.com/owa/?realm=contoso.com",
	},
	{
		name: "Outlook with realm and a deep link",
		link: smartlink.Link{Form: smartlink.OutlookRealm, Domain: "contoso.com",
			Target: "https://outlook.office365.com/owa/?exsvurl=1&modurl=1#path=/mail"},
		url: "https://outlook.office365.com/owa/?exsvurl=1&modurl=1&realm=contoso.com#path=/mail",
	},
	{
		name:   "Outlook with realm in China",
		policy: smartlink.Policy{Cloud: entrafed.China()},
		link: smartlink.Link{Form: smartlink.OutlookRealm, Domain: "contoso.com",
			Target: "https://partner.outlook.cn/owa/"},
		url: "https://partner.outlook.cn/owa/?realm=contoso.com",
	},
	{
		name: "Outlook with domain",
		link: smartlink.Link{Form: smartlink.OutlookDomain, Domain: "contoso.com"},
		url:  "https://outlook.com/contoso.com",
	},
	{
		name: "Outlook with domain below owa",
		link: smartlink.Link{Form: smartlink.OutlookDomain, Domain: "contoso.com", Target: "https://outlook.com/owa/"},
		url:  "https://outlook.com/owa/contoso.com",
	},
	{
		name: "Azure portal",
		link: smartlink.Link{Form: smartlink.AzurePortal, Domain: "contoso.com"},
		url:  "https://portal.azure.com/contoso.com",
	},
	{
		name: "Azure portal with a deep link",
		link: smartlink.Link{Form: smartlink.AzurePortal, Domain: "contoso.com",
			Target: "https://portal.azure.com/?feature=1#view/Overview"},
		url: "https://portal.azure.com/contoso.com?feature=1#view/Overview",
	},
	{
		name: "My Apps",
		link: smartlink.Link{Form: smartlink.MyApps, Domain: "contoso.com"},
		url:  "https://myapps.microsoft.com/contoso.com",
	},
	{
		name: "My Apps with whr",
		link: smartlink.Link{Form: smartlink.MyAppsHomeRealm, Domain: "contoso.com"},
		url:  "https://myapps.microsoft.com/?whr=contoso.com",
	},
	{
		name: "Microsoft 365",
		link: smartlink.Link{Form: smartlink.Microsoft365},
		url:  "https://m365.cloud.microsoft/?auth=2",
	},
	{
		name: "Microsoft 365 at its older address",
		link: smartlink.Link{Form: smartlink.Microsoft365, Target: "https://www.office.com/?home=1"},
		url:  "https://www.office.com/?home=1&auth=2",
	},
	{
		name: "SharePoint",
		link: smartlink.Link{Form: smartlink.SharePoint, Target: "https://contoso.sharepoint.com/sites/hr?a=%20+b#c"},
		url:  "https://contoso.sharepoint.com/sites/hr?a=%20+b#c",
	},
	{
		name: "authorize keeps every other parameter as it is written",
		link: smartlink.Link{Form: smartlink.Authorize, Domain: "contoso.com", Target: authorizeURL,
			LoginHint: "person@contoso.com"},
		url: authorizeURL + "&domain_hint=contoso.com&login_hint=person%40contoso.com",
	},
	{
		name: "authorize with a domain hint before a fragment",
		link: smartlink.Link{Form: smartlink.Authorize, Domain: "contoso.com", Target: authorizeURL + "#f"},
		url:  authorizeURL + "&domain_hint=contoso.com#f",
	},
	{
		name: "authorize with a login hint only",
		link: smartlink.Link{Form: smartlink.Authorize, Target: authorizeURL, LoginHint: "person@contoso.com"},
		url:  authorizeURL + "&login_hint=person%40contoso.com",
	},
	{
		name: "authorize without hints",
		link: smartlink.Link{Form: smartlink.Authorize, Target: authorizeURL},
		url:  authorizeURL,
	},
	{
		name: "authorize of the first version, without a query",
		link: smartlink.Link{Form: smartlink.Authorize, Domain: "contoso.com",
			Target: "https://login.microsoftonline.com/contoso.com/oauth2/authorize"},
		url: "https://login.microsoftonline.com/contoso.com/oauth2/authorize?domain_hint=contoso.com",
	},
	{
		name: "authorize with an empty query",
		link: smartlink.Link{Form: smartlink.Authorize, Domain: "contoso.com",
			Target: "https://login.microsoftonline.com/common/oauth2/authorize?"},
		url: "https://login.microsoftonline.com/common/oauth2/authorize?&domain_hint=contoso.com",
	},
}

func TestBuildAndParseAreInverse(t *testing.T) {
	t.Parallel()
	for _, test := range builtLinks {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			built, err := test.policy.Build(test.link)
			require.NoError(t, err)
			require.Equal(t, test.url, built)
			parsed, err := test.policy.Parse(built)
			require.NoError(t, err)
			require.Equal(t, test.link, parsed)
			require.Equal(t, parsed, parsed.Modern(), "a form that is built is modern")
			require.False(t, parsed.Form.ParserOnly())
		})
	}
}

func TestURLIsBuildOfTheZeroPolicy(t *testing.T) {
	t.Parallel()
	link := smartlink.Link{Domain: "contoso.com", Target: "https://contoso.sharepoint.com"}
	want, err := smartlink.Policy{}.Build(link)
	require.NoError(t, err)
	got, err := link.URL()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestOneSpellingIsReported(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule        string
		built, read smartlink.Link
	}{
		{
			"the domain is lower case",
			smartlink.Link{Domain: "Contoso.COM"},
			smartlink.Link{Domain: "contoso.com"},
		},
		{
			"the form's own address is no target",
			smartlink.Link{Form: smartlink.MyApps, Domain: "contoso.com", Target: "https://myapps.microsoft.com/"},
			smartlink.Link{Form: smartlink.MyApps, Domain: "contoso.com"},
		},
	} {
		built, err := test.built.URL()
		require.NoError(t, err, test.rule)
		read, err := smartlink.Policy{}.Parse(built)
		require.NoError(t, err, test.rule)
		require.Equal(t, test.read, read, test.rule)
	}
}

func TestRefusedLinks(t *testing.T) {
	t.Parallel()
	china := smartlink.Policy{Cloud: entrafed.China()}
	for _, test := range []struct {
		rule   string
		policy smartlink.Policy
		link   smartlink.Link
		field  string
		want   error
	}{
		{"login.srf needs a domain", smartlink.Policy{}, smartlink.Link{}, "Domain", smartlink.ErrDomain},
		{"domain of one label", smartlink.Policy{}, smartlink.Link{Domain: "contoso"}, "Domain", smartlink.ErrDomain},
		{"domain with a final dot", smartlink.Policy{}, smartlink.Link{Domain: "contoso.com."}, "Domain",
			smartlink.ErrDomain},
		{"domain with an underscore", smartlink.Policy{}, smartlink.Link{Domain: "a_b.com"}, "Domain", smartlink.ErrDomain},
		{"domain that is not ASCII", smartlink.Policy{}, smartlink.Link{Domain: "büro.com"}, "Domain", smartlink.ErrDomain},
		{"domain with a parameter", smartlink.Policy{}, smartlink.Link{Domain: "contoso.com&wreply=x"}, "Domain",
			smartlink.ErrDomain},
		{"domain that is a UPN", smartlink.Policy{}, smartlink.Link{Domain: "a@contoso.com"}, "Domain", smartlink.ErrDomain},
		{"domain with a space", smartlink.Policy{}, smartlink.Link{Domain: "contoso.com "}, "Domain", smartlink.ErrDomain},
		{"domain that is an address", smartlink.Policy{}, smartlink.Link{Domain: "192.0.2.1"}, "Domain",
			smartlink.ErrDomain},
		{"label of 64 characters", smartlink.Policy{}, smartlink.Link{Domain: strings.Repeat("a", 64) + ".com"}, "Domain",
			smartlink.ErrDomain},
		{"domain of 254 characters", smartlink.Policy{},
			smartlink.Link{Domain: strings.Repeat(strings.Repeat("a", 49)+".", 5) + "abcd"}, "Domain", smartlink.ErrDomain},
		{"login hint with a newline", smartlink.Policy{}, smartlink.Link{Domain: "contoso.com", LoginHint: "a\nb"},
			"LoginHint", smartlink.ErrLoginHint},
		{"login hint with a space at its end", smartlink.Policy{}, smartlink.Link{Domain: "contoso.com", LoginHint: "a "},
			"LoginHint", smartlink.ErrLoginHint},
		{"login hint that is not UTF-8", smartlink.Policy{}, smartlink.Link{Domain: "contoso.com", LoginHint: "\xff"},
			"LoginHint", smartlink.ErrLoginHint},
		{"login hint of 1025 bytes", smartlink.Policy{},
			smartlink.Link{Domain: "contoso.com", LoginHint: strings.Repeat("a", 1025)}, "LoginHint", smartlink.ErrTooLong},
		{"target elsewhere", smartlink.Policy{}, smartlink.Link{Domain: "contoso.com", Target: "https://evil.example"},
			"Target", smartlink.ErrTargetHost},
		{"client of an old link", smartlink.Policy{}, smartlink.Link{Domain: "contoso.com", Client: "a"}, "Client",
			smartlink.ErrUnknownForm},
		{"connection of an old link", smartlink.Policy{}, smartlink.Link{Domain: "contoso.com", Connection: "a"},
			"Connection", smartlink.ErrUnknownForm},
		{"unknown form", smartlink.Policy{}, smartlink.Link{Form: 99, Domain: "contoso.com"}, "Form",
			smartlink.ErrUnknownForm},
		{"form that is only read", smartlink.Policy{}, smartlink.Link{Form: smartlink.ADFS, Domain: "contoso.com"}, "Form",
			smartlink.ErrParserOnly},

		{"Outlook carries no login hint", smartlink.Policy{}, smartlink.Link{Form: smartlink.OutlookRealm,
			Domain: "contoso.com", LoginHint: "a@contoso.com"}, "LoginHint", smartlink.ErrLoginHint},
		{"Outlook needs a domain", smartlink.Policy{}, smartlink.Link{Form: smartlink.OutlookRealm}, "Domain",
			smartlink.ErrDomain},
		{"Outlook leads to Outlook", smartlink.Policy{}, smartlink.Link{Form: smartlink.OutlookRealm,
			Domain: "contoso.com", Target: "https://contoso.sharepoint.com/owa/"}, "Target", smartlink.ErrTarget},
		{"realm is given once", smartlink.Policy{}, smartlink.Link{Form: smartlink.OutlookRealm, Domain: "contoso.com",
			Target: "https://outlook.office365.com/owa/?realm=contoso.org"}, "Target", smartlink.ErrTarget},
		{"the domain goes after a folder", smartlink.Policy{}, smartlink.Link{Form: smartlink.AzurePortal,
			Domain: "contoso.com", Target: "https://portal.azure.com/abc"}, "Target", smartlink.ErrTarget},
		{"a folder ends in a slash", smartlink.Policy{}, smartlink.Link{Form: smartlink.AzurePortal,
			Domain: "contoso.com", Target: "https://portal.azure.com"}, "Target", smartlink.ErrTarget},
		{"the target of one form is not that of another", smartlink.Policy{}, smartlink.Link{Form: smartlink.MyApps,
			Domain: "contoso.com", Target: "https://myapps.microsoft.com/?whr=contoso.org"}, "Target", smartlink.ErrTarget},
		{"the default address is the worldwide cloud's", china, smartlink.Link{Form: smartlink.AzurePortal,
			Domain: "contoso.com"}, "Target", smartlink.ErrTargetHost},
		{"Microsoft 365 carries no domain", smartlink.Policy{}, smartlink.Link{Form: smartlink.Microsoft365,
			Domain: "contoso.com"}, "Domain", smartlink.ErrDomain},
		{"SharePoint carries no domain", smartlink.Policy{}, smartlink.Link{Form: smartlink.SharePoint,
			Domain: "contoso.com", Target: "https://contoso.sharepoint.com"}, "Domain", smartlink.ErrDomain},
		{"SharePoint needs a target", smartlink.Policy{}, smartlink.Link{Form: smartlink.SharePoint}, "Target",
			smartlink.ErrTarget},
		{"SharePoint leads to SharePoint", smartlink.Policy{}, smartlink.Link{Form: smartlink.SharePoint,
			Target: "https://outlook.office365.com/"}, "Target", smartlink.ErrTarget},
		{"SharePoint with the parameters of AD FS", smartlink.Policy{}, smartlink.Link{Form: smartlink.SharePoint,
			Target: "https://contoso.sharepoint.com/?wtrealm=a"}, "Target", smartlink.ErrTarget},
		{"authorize needs a request", smartlink.Policy{}, smartlink.Link{Form: smartlink.Authorize,
			Domain: "contoso.com"}, "Target", smartlink.ErrTarget},
		{"authorize leads to the sign-in service", smartlink.Policy{}, smartlink.Link{Form: smartlink.Authorize,
			Target: "https://contoso.sharepoint.com/oauth2/v2.0/authorize"}, "Target", smartlink.ErrTarget},
		{"authorize is no other endpoint", smartlink.Policy{}, smartlink.Link{Form: smartlink.Authorize,
			Target: "https://login.microsoftonline.com/common/oauth2/v2.0/logout"}, "Target", smartlink.ErrTarget},
		{"authorize has its hint once", smartlink.Policy{}, smartlink.Link{Form: smartlink.Authorize,
			Domain: "contoso.com", Target: authorizeURL + "&domain_hint=contoso.org"}, "Target", smartlink.ErrTarget},
		{"authorize over another scheme", smartlink.Policy{}, smartlink.Link{Form: smartlink.Authorize,
			Target: "http://login.microsoftonline.com/common/oauth2/v2.0/authorize"}, "Target", smartlink.ErrTargetScheme},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			built, err := test.policy.Build(test.link)
			require.ErrorIs(t, err, test.want)
			require.Empty(t, built)
			var linkError *smartlink.LinkError
			require.ErrorAs(t, err, &linkError)
			require.Equal(t, test.field, linkError.Field)
		})
	}
}

func TestBuildReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := smartlink.Link{Domain: "contoso", Target: "http://evil.example", LoginHint: " "}.URL()
	require.ErrorIs(t, err, smartlink.ErrDomain)
	require.ErrorIs(t, err, smartlink.ErrTargetScheme)
	require.ErrorIs(t, err, smartlink.ErrLoginHint)
}

func TestErrorsDoNotNameThePerson(t *testing.T) {
	t.Parallel()
	_, err := smartlink.Link{Domain: "contoso.com", LoginHint: "person@contoso.com\n"}.URL()
	require.ErrorIs(t, err, smartlink.ErrLoginHint)
	require.NotContains(t, err.Error(), "person")
}

func TestDomainOf253CharactersBuilds(t *testing.T) {
	t.Parallel()
	domain := strings.Repeat(strings.Repeat("a", 49)+".", 5) + "abc"
	require.Len(t, domain, 253)
	_, err := smartlink.Link{Domain: domain, Target: "https://contoso.sharepoint.com/" + strings.Repeat("€", 1355),
		LoginHint: strings.Repeat("ü", 512)}.URL()
	require.NoError(t, err, "the largest fields fit a link that is read again")
}

func TestFormNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, form := range []smartlink.Form{
		smartlink.LoginSRF, smartlink.OutlookRealm, smartlink.OutlookDomain, smartlink.AzurePortal, smartlink.MyApps,
		smartlink.MyAppsHomeRealm, smartlink.Microsoft365, smartlink.SharePoint, smartlink.Authorize,
		smartlink.OldLoginSRF, smartlink.ADFS, smartlink.Auth0Login, smartlink.Auth0WSFed, smartlink.Teams,
	} {
		require.NotContains(t, form.String(), "Form(")
		require.False(t, seen[form.String()], form)
		seen[form.String()] = true
	}
	require.Equal(t, "Form(99)", smartlink.Form(99).String())
	require.False(t, smartlink.Form(99).ParserOnly())
}
