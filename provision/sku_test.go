package provision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func sku(id, partNumber string) provision.SKU {
	return provision.SKU{ID: id, PartNumber: partNumber, AppliesTo: "User", Status: "Enabled", Enabled: 5}
}

func TestASubscriptionIsFoundByAnyOfItsNames(t *testing.T) {
	t.Parallel()
	skus := []provision.SKU{
		sku(standardSKU, "O365_BUSINESS_PREMIUM"),
		sku("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "SPB"),
		sku("efccb6f7-5641-4e0e-bd10-b4976e1bf68e", "EMS"),
		sku("AAAAAAAA-0000-4000-8000-000000000001", "PARTNER_PACK"),
	}
	for name, want := range map[string]string{
		"O365_BUSINESS_PREMIUM":                "O365_BUSINESS_PREMIUM",
		" spb ":                                "SPB",
		"F245ECC8-75AF-4F8E-B61F-27D8114DE5F3": "O365_BUSINESS_PREMIUM",
		"Microsoft 365 Business Standard":      "O365_BUSINESS_PREMIUM",
		"microsoft 365  business standard":     "O365_BUSINESS_PREMIUM",
		"M365 Business Standard":               "O365_BUSINESS_PREMIUM",
		"Microsoft 365 Business Premium":       "SPB",
		"EMS E3":                               "EMS",
		"Enterprise Mobility + Security E3":    "EMS",
		"aaaaaaaa-0000-4000-8000-000000000001": "PARTNER_PACK",
		"partner_pack":                         "PARTNER_PACK",
	} {
		found, err := provision.FindSKU(name, skus)
		require.NoError(t, err, name)
		require.Equal(t, want, found.PartNumber, name)
		require.Regexp(t, `^[0-9a-f-]{36}$`, found.ID, "IDs are in lower case")
	}
}

func TestANameThatFindsNoSubscriptionIsExplained(t *testing.T) {
	t.Parallel()
	company := sku("aaaaaaaa-0000-4000-8000-000000000002", "COMPANY_PACK")
	company.AppliesTo = "Company"
	suspended := sku("aaaaaaaa-0000-4000-8000-000000000003", "LATE_PACK")
	suspended.Status = "Suspended"
	skus := []provision.SKU{
		sku(standardSKU, "O365_BUSINESS_PREMIUM"),
		sku("ac5cef5d-921b-4f97-9ef3-c99076e5470f", "SMB_BUSINESS_PREMIUM"),
		sku("aaaaaaaa-0000-4000-8000-000000000001", "PARTNER_PACK"), company, suspended,
	}
	for name, want := range map[string]struct {
		says       []string
		unsuitable bool
	}{
		"Microsoft 365 Business Standard": {[]string{"several subscriptions of that name",
			"SMB_BUSINESS_PREMIUM (ac5cef5d-921b-4f97-9ef3-c99076e5470f)", "part number or SKU ID"}, true},
		"Microsoft 365 Business Premium": {[]string{"no such subscription",
			`it is "Microsoft 365 Business Premium" (SPB)`}, false},
		"ENTERPRISEPACK": {[]string{`it is "Office 365 E3" (ENTERPRISEPACK)`}, false},
		"E3": {[]string{"no such subscription", `near it are "Microsoft 365 E3" (SPE_E3), "Office 365 E3" (ENTERPRISEPACK), ` +
			`"Enterprise Mobility + Security E3" (EMS)`}, false},
		"Business Standrad": {[]string{"near it are", `"Microsoft 365 Business Standard" (O365_BUSINESS_PREMIUM)`}, false},
		"Business Standard": {[]string{`near it are "Microsoft 365 Business Standard" (O365_BUSINESS_PREMIUM), ` +
			`"Microsoft 365 Business Standard" (SMB_BUSINESS_PREMIUM); correct`}, false},
		"PARTNERS PACK": {[]string{"near it are", "PARTNER_PACK"}, false},
		"xyzzy":         {[]string{"no such subscription; correct the name"}, false},
		"company_pack":  {[]string{"for the company, not for users"}, false},
		"LATE_PACK":     {[]string{`the subscription is "Suspended"`, "renew it"}, false},
		"":              {[]string{"no such subscription"}, false},
		"+++":           {[]string{"no such subscription"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := provision.FindSKU(name, skus)
			var refusal *provision.LicenseError
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, want.unsuitable, refusal.Unsuitable)
			if want.unsuitable {
				require.NotErrorIs(t, err, provision.ErrNoLicense)
			} else {
				require.ErrorIs(t, err, provision.ErrNoLicense)
			}
			for _, text := range want.says {
				require.ErrorContains(t, err, text)
			}
			require.ErrorContains(t, err, "O365_BUSINESS_PREMIUM (Microsoft 365 Business Standard, Enabled, 5 free, for User)",
				"what the tenant has is listed by the names that people know")
		})
	}
}

func TestOneUsableSubscriptionOfSeveralWithAName(t *testing.T) {
	t.Parallel()
	old := sku("ac5cef5d-921b-4f97-9ef3-c99076e5470f", "SMB_BUSINESS_PREMIUM")
	old.Status = "Suspended"
	found, err := provision.FindSKU("Microsoft 365 Business Standard",
		[]provision.SKU{old, sku(standardSKU, "O365_BUSINESS_PREMIUM")})
	require.NoError(t, err)
	require.Equal(t, standardSKU, found.ID)
}

func FuzzFindSKU(f *testing.F) {
	for _, name := range []string{"", "SPB", "M365 Business Standard", "EMS E3", standardSKU, "\xff", "Ω 365", "e3 e5 f3"} {
		f.Add(name, "O365_BUSINESS_PREMIUM")
	}
	f.Fuzz(func(t *testing.T, name, partNumber string) {
		skus := []provision.SKU{sku(standardSKU, partNumber)}
		found, err := provision.FindSKU(name, skus)
		if err != nil {
			var refusal *provision.LicenseError
			require.ErrorAs(t, err, &refusal)
			require.NotEmpty(t, refusal.Problem)
			return
		}
		require.Equal(t, standardSKU, found.ID)
	})
}
