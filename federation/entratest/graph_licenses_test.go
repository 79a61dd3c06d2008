package entratest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

const (
	skuBusinessPremium = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
	skuStandardPack    = "18181a46-0d4e-45cd-891e-60aabd171b4e"
	skuSuspended       = "6fd2c87f-b296-42f0-b197-1e91e994b900"
	skuOfCompany       = "efccb6f7-5641-4e0e-bd10-b4976e1bf68e"
	planExchange       = "9aaf7827-d63c-4b61-89c3-182f06f82e5c"
)

// assigning is a body of assignLicense that adds SKUs.
func assigning(skuIDs ...string) map[string]any {
	add := []any{}
	for _, id := range skuIDs {
		add = append(add, map[string]any{"skuId": id, "disabledPlans": []any{}})
	}
	return map[string]any{"addLicenses": add, "removeLicenses": []any{}}
}

// consumed reads the consumedUnits of a SKU.
func (g *graphCaller) consumed(skuID string) int {
	g.t.Helper()
	for _, sku := range g.get("subscribedSkus").Values() {
		if sku["skuId"] == skuID {
			return int(sku["consumedUnits"].(float64))
		}
	}
	g.t.Fatalf("no SKU %s", skuID)
	return 0
}

func licensedConfig() entratest.Config {
	return entratest.Config{
		Lag: entratest.LagNone,
		SKUs: []entratest.SKU{
			{ID: skuStandardPack, PartNumber: "STANDARDPACK", Enabled: 2, Warning: 1,
				Plans: []entratest.ServicePlan{{ID: planExchange, Name: "EXCHANGE_S_STANDARD"}}},
			{ID: skuBusinessPremium, PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 1, Status: "Warning"},
			{ID: skuSuspended, PartNumber: "ENTERPRISEPACK", Enabled: 5, Status: "Suspended"},
			{ID: skuOfCompany, PartNumber: "EMS", Enabled: 5, AppliesTo: "Company"},
		},
	}
}

func TestSubscribedSkus(t *testing.T) {
	g, _ := callGraph(t, licensedConfig())
	tenantID := g.tenant.Config().TenantID
	answer := g.get("subscribedSkus")
	require.Equal(t, http.StatusOK, answer.Status)
	require.Len(t, answer.Values(), 4)
	require.Equal(t, map[string]any{
		"accountName": "contoso", "accountId": tenantID, "appliesTo": "User", "capabilityStatus": "Enabled",
		"consumedUnits": 0.0, "id": tenantID + "_" + skuStandardPack, "skuId": skuStandardPack,
		"skuPartNumber": "STANDARDPACK", "subscriptionIds": []any{},
		"prepaidUnits": map[string]any{"enabled": 2.0, "suspended": 0.0, "warning": 1.0, "lockedOut": 0.0},
		"servicePlans": []any{map[string]any{
			"servicePlanId": planExchange, "servicePlanName": "EXCHANGE_S_STANDARD", "provisioningStatus": "Success",
			"appliesTo": "User",
		}},
	}, answer.Values()[0])
	require.Equal(t, "3", answer.Header.Get("x-ms-resource-unit"))

	selected := g.get("subscribedSkus?$select=skuId,skuPartNumber")
	require.Equal(t, map[string]any{"skuId": skuStandardPack, "skuPartNumber": "STANDARDPACK"}, selected.Values()[0])
	require.Equal(t, "2", selected.Header.Get("x-ms-resource-unit"))
	require.Equal(t, http.StatusBadRequest, g.get("subscribedSkus?$filter=x").Status, "$filter is not supported")
	require.Equal(t, http.StatusBadRequest, g.get("subscribedSkus?$select=x").Status)
	require.Equal(t, "EMS", g.get("subscribedSkus/" + tenantID + "_" + skuOfCompany).Body["skuPartNumber"])
	require.Equal(t, http.StatusNotFound, g.get("subscribedSkus/"+skuOfCompany).Status)
}

func TestAssignLicense(t *testing.T) {
	g, _ := callGraph(t, licensedConfig())
	id := g.create(userBody("ada", "usageLocation", "DE"))
	path := "users/" + id + "/assignLicense"

	answer := g.post(path, assigning(skuStandardPack, strings.ToUpper(skuBusinessPremium)))
	require.Equal(t, http.StatusOK, answer.Status, "%v", answer.Body)
	require.Equal(t, id, answer.Body["id"], "the answer is the user")
	require.Equal(t, []string{skuStandardPack, skuBusinessPremium}, g.tenant.Users()[0].SKUIDs)
	require.Equal(t, 1, g.consumed(skuStandardPack))

	again := assigning(skuStandardPack)
	again["addLicenses"].([]any)[0].(map[string]any)["disabledPlans"] = []any{planExchange}
	require.Equal(t, http.StatusOK, g.post(path, again).Status, "a seat that is held can be assigned again")
	require.Equal(t, 1, g.consumed(skuStandardPack))

	user := g.get("users/" + id + "?$select=assignedLicenses,licenseAssignmentStates,assignedPlans").Body
	require.ElementsMatch(t, []any{
		map[string]any{"skuId": skuBusinessPremium, "disabledPlans": []any{}},
		map[string]any{"skuId": skuStandardPack, "disabledPlans": []any{planExchange}},
	}, user["assignedLicenses"], "the disabled plans are replaced")
	require.Equal(t, "Active", user["licenseAssignmentStates"].([]any)[0].(map[string]any)["state"])
	require.Equal(t, "Deleted", user["assignedPlans"].([]any)[0].(map[string]any)["capabilityStatus"])

	details := g.get("users/" + id + "/licenseDetails")
	require.ElementsMatch(t, []string{"STANDARDPACK", "O365_BUSINESS_PREMIUM"}, details.Column("skuPartNumber"))
	require.Equal(t, http.StatusNotFound, g.get("users/x@contoso.com/licenseDetails").Status)

	swap := assigning(skuStandardPack)
	swap["removeLicenses"] = []any{skuBusinessPremium}
	require.Equal(t, http.StatusOK, g.post("users('"+id+"')/microsoft.graph.assignLicense", swap).Status)
	require.Equal(t, []string{skuStandardPack}, g.tenant.Users()[0].SKUIDs)
	require.Equal(t, http.StatusOK, g.post(path, assigning()).Status, "no change is a change that succeeds")
}

func TestAssignLicenseRefusals(t *testing.T) {
	const wrongType = "Cannot convert a value of the request payload to the expected type '%s'."
	unknown := "License %s does not correspond to a valid company License."
	remove := func(ids ...any) map[string]any { return map[string]any{"addLicenses": []any{}, "removeLicenses": ids} }
	for _, rule := range []struct {
		name    string
		user    string
		body    any
		message string
	}{
		{"no usage location", "nowhere", assigning(skuStandardPack),
			"License assignment cannot be done for user with invalid usage location."},
		{"no seat is left", "ada", assigning(skuStandardPack),
			"Subscription with SKU " + skuStandardPack + " does not have any available licenses."},
		{"a SKU that the tenant has not", "ada", assigning("11111111-1111-4111-8111-111111111111"),
			fmt.Sprintf(unknown, "11111111-1111-4111-8111-111111111111")},
		{"a suspended subscription", "ada", assigning(skuSuspended), fmt.Sprintf(unknown, skuSuspended)},
		{"a subscription of the company", "ada", assigning(skuOfCompany), fmt.Sprintf(unknown, skuOfCompany)},
		{"all or nothing", "ada", assigning(skuBusinessPremium, skuStandardPack),
			"Subscription with SKU " + skuStandardPack + " does not have any available licenses."},
		{"a seat that is not held", "ada", remove(skuBusinessPremium), "User does not have a corresponding license."},
		{"removeLicenses is required", "ada", map[string]any{"addLicenses": []any{}},
			"One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing " +
				"parameters are: removeLicenses."},
		{"both are required", "ada", map[string]any{},
			"One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing " +
				"parameters are: addLicenses, removeLicenses."},
		{"nothing else is allowed", "ada", map[string]any{"addLicenses": []any{}, "removeLicenses": []any{}, "x": 1},
			"The parameter 'x' in the request payload is not a valid parameter for the operation 'assignLicense'."},
		{"a part number is not a skuId", "ada", assigning("STANDARDPACK"),
			fmt.Sprintf(wrongType, "microsoft.graph.assignedLicense")},
		{"a SKU is an object", "ada", map[string]any{"addLicenses": []any{skuStandardPack}, "removeLicenses": []any{}},
			fmt.Sprintf(wrongType, "microsoft.graph.assignedLicense")},
		{"SKUs are a list", "ada", map[string]any{"addLicenses": skuStandardPack, "removeLicenses": []any{}},
			fmt.Sprintf(wrongType, "Collection(Edm.Guid)")},
		{"removed SKUs are GUIDs", "ada", remove("STANDARDPACK"), fmt.Sprintf(wrongType, "Collection(Edm.Guid)")},
	} {
		t.Run(rule.name, func(t *testing.T) {
			cfg := licensedConfig()
			for i := range 3 {
				cfg.Users = append(cfg.Users, entratest.User{
					UPN: fmt.Sprintf("holder%d@contoso.com", i), Enabled: true, SKUIDs: []string{skuStandardPack},
				})
			}
			cfg.Users = append(cfg.Users, entratest.User{UPN: "ada@contoso.com", UsageLocation: "DE", Enabled: true},
				entratest.User{UPN: "nowhere@contoso.com", Enabled: true})
			g, _ := callGraph(t, cfg)
			answer := g.post("users/"+rule.user+"@contoso.com/assignLicense", rule.body)
			_, message := answer.Error()
			require.Equal(t, http.StatusBadRequest, answer.Status)
			require.Equal(t, rule.message, message)
			require.Equal(t, 0, g.consumed(skuBusinessPremium), "nothing was assigned")
		})
	}
}

func TestSeatsAreNeverOversold(t *testing.T) {
	cfg := licensedConfig()
	for i := range 20 {
		cfg.Users = append(cfg.Users, entratest.User{UPN: fmt.Sprintf("u%d@contoso.com", i), UsageLocation: "DE"})
	}
	g, _ := callGraph(t, cfg)
	header := g.headers()
	body := `{"addLicenses":[{"skuId":"` + skuStandardPack + `"}],"removeLicenses":[]}`
	var assigned atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			path := fmt.Sprintf("users/u%d@contoso.com/assignLicense", i)
			answer, err := g.send(http.MethodPost, path, strings.NewReader(body), header.Clone())
			if err == nil && answer.Status == http.StatusOK {
				assigned.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 3, assigned.Load(), "two seats and one in its grace period")
	require.Equal(t, 3, g.consumed(skuStandardPack))
}

func TestOverlappingAssignmentsAreRefused(t *testing.T) {
	cfg := licensedConfig()
	cfg.Users = []entratest.User{{UPN: "ada@contoso.com", UsageLocation: "DE"}, {UPN: "bob@contoso.com", UsageLocation: "DE"}}
	g, _ := callGraph(t, cfg)
	const path = "users/ada@contoso.com/assignLicense"

	// The first request has arrived, and its body has not, when the second one comes.
	body, rest := io.Pipe()
	first := make(chan graphAnswer, 1)
	header := g.headers()
	go func() {
		answer, _ := g.send(http.MethodPost, path, body, header)
		first <- answer
	}()
	_, err := io.WriteString(rest, `{"addLicenses":[{"skuId":"`)
	require.NoError(t, err)

	second := g.post(path, assigning(skuBusinessPremium))
	code, message := second.Error()
	require.Equal(t, http.StatusConflict, second.Status)
	require.Equal(t, "Directory_ConcurrencyViolation", code)
	require.Equal(t, "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.", message)
	require.Equal(t, http.StatusOK, g.post("users/bob@contoso.com/assignLicense", assigning(skuBusinessPremium)).Status)

	_, err = io.WriteString(rest, skuStandardPack+`"}],"removeLicenses":[]}`)
	require.NoError(t, err)
	require.NoError(t, rest.Close())
	require.Equal(t, http.StatusOK, (<-first).Status)
	require.Equal(t, http.StatusOK, g.post(path, assigning()).Status, "afterwards the user is free again")
}
