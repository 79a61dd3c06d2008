package provision

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// product is what Microsoft's portals call a subscription. Part numbers kept the names of earlier years.
type product struct{ name, partNumber, id string }

// products are the plans that most tenants have. Those for governments and those without Teams have part numbers of their
// own, and are named by these.
// Source: https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference.
func products() []product {
	return []product{
		{"Microsoft 365 Apps for business", "O365_BUSINESS", "cdd28e44-67e3-425e-be4c-737fab2899d3"},
		{"Microsoft 365 Apps for business", "SMB_BUSINESS", "b214fe43-f5a3-4703-beeb-fa97188220fc"},
		{"Microsoft 365 Apps for enterprise", "OFFICESUBSCRIPTION", "c2273bd0-dff7-4215-9ef5-2c7bcfb06425"},
		{"Microsoft 365 Business Basic", "O365_BUSINESS_ESSENTIALS", "3b555118-da6a-4418-894f-7df1e2096870"},
		{"Microsoft 365 Business Basic", "SMB_BUSINESS_ESSENTIALS", "dab7782a-93b1-4074-8bb1-0e61318bea0b"},
		{"Microsoft 365 Business Standard", "O365_BUSINESS_PREMIUM", "f245ecc8-75af-4f8e-b61f-27d8114de5f3"},
		{"Microsoft 365 Business Standard", "SMB_BUSINESS_PREMIUM", "ac5cef5d-921b-4f97-9ef3-c99076e5470f"},
		{"Microsoft 365 Business Premium", "SPB", "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"},
		{"Microsoft 365 E3", "SPE_E3", "05e9a617-0261-4cee-bb44-138d3ef5d965"},
		{"Microsoft 365 E5", "SPE_E5", "06ebc4ee-1bb5-47dd-8120-11324bc54e06"},
		{"Microsoft 365 F3", "SPE_F1", "66b55226-6b4f-492c-910c-a3b7a3c9d993"},
		{"Office 365 E1", "STANDARDPACK", "18181a46-0d4e-45cd-891e-60aabd171b4e"},
		{"Office 365 E3", "ENTERPRISEPACK", "6fd2c87f-b296-42f0-b197-1e91e994b900"},
		{"Office 365 E5", "ENTERPRISEPREMIUM", "c7df2760-2c81-4ef7-b578-5b5392b571df"},
		{"Office 365 F3", "DESKLESSPACK", "4b585984-651b-448a-9e53-3b10f069cf7f"},
		{"Enterprise Mobility + Security E3", "EMS", "efccb6f7-5641-4e0e-bd10-b4976e1bf68e"},
		{"Enterprise Mobility + Security E5", "EMSPREMIUM", "b05e124f-c7cc-45a0-a6aa-8cf78c946968"},
		{"Microsoft Entra ID P1", "AAD_PREMIUM", "078d2b04-f1bd-4111-bbd4-b4b1b354cef4"},
		{"Microsoft Entra ID P2", "AAD_PREMIUM_P2", "84a661c4-e949-4bd2-a560-ed7766fcaf2b"},
	}
}

// product is the name of the subscription's product, or "" for one that is not in the table.
func (s SKU) product() string {
	for _, p := range products() {
		if strings.EqualFold(p.id, s.ID) || strings.EqualFold(p.partNumber, s.PartNumber) {
			return p.name
		}
	}
	return ""
}

// productWords are the words of a name as they are compared: in lower case, abbreviations spelled out.
func productWords(name string) []string {
	var words []string
	notInWord := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for word := range strings.FieldsFuncSeq(strings.ToLower(name), notInWord) {
		switch word {
		case "m365":
			words = append(words, "microsoft", "365")
		case "o365":
			words = append(words, "office", "365")
		case "ems":
			words = append(words, "enterprise", "mobility", "security")
		default:
			words = append(words, word)
		}
	}
	return words
}

// maxHints is how many near matches an error lists.
const maxHints = 5

// hint says what a name that the tenant does not have may have meant: the product that it is, else those that have most
// of its words.
func hint(name string, skus []SKU) string {
	var known, near []string
	best := 1
	for _, p := range products() {
		if strings.EqualFold(p.id, name) || strings.EqualFold(p.partNumber, name) ||
			slices.Equal(productWords(p.name), productWords(name)) {
			known = append(known, p.describe())
		}
	}
	if len(known) > 0 {
		return ": it is " + strings.Join(known, " or ")
	}
	for _, p := range append(products(), unlisted(skus)...) {
		switch shared := sharedWords(name, p); {
		case shared > best:
			near, best = []string{p.describe()}, shared
		case shared == best && len(near) < maxHints:
			near = append(near, p.describe())
		}
	}
	if len(near) == 0 {
		return ""
	}
	return "; near it are " + strings.Join(near, ", ")
}

// unlisted are the tenant's subscriptions that the table does not have.
func unlisted(skus []SKU) []product {
	var more []product
	for _, s := range skus {
		if s.product() == "" {
			more = append(more, product{partNumber: s.PartNumber, id: s.ID})
		}
	}
	return more
}

// sharedWords counts the telling words that a name shares with a product.
func sharedWords(name string, p product) int {
	words := append(productWords(p.name), productWords(p.partNumber)...)
	shared := 0
	for _, word := range productWords(name) {
		if !slices.Contains([]string{"microsoft", "office", "365", "for"}, word) && slices.Contains(words, word) {
			shared++
		}
	}
	return shared
}

func (p product) describe() string {
	if p.name == "" {
		return p.partNumber
	}
	return fmt.Sprintf("%q (%s)", p.name, p.partNumber)
}
