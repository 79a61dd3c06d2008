package adapters

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Bounds for what is read of an Accept-Language header. Browsers send a handful of languages.
const (
	maxAcceptLanguage = 1024 // bytes
	maxLanguageRanges = 32
)

// languageRange is one wish of a browser: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4.
type languageRange struct {
	tag    string // in lower case; "*" for any
	weight int    // in thousandths; 0 refuses
}

var (
	rangePattern  = regexp.MustCompile(`^(\*|[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)$`)
	weightPattern = regexp.MustCompile(`^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$`)
)

// readAcceptLanguage returns the wishes, the strongest first. What is not of the form of RFC 9110 is passed over.
func readAcceptLanguage(header string) []languageRange {
	if len(header) > maxAcceptLanguage {
		header = header[:strings.LastIndexByte(header[:maxAcceptLanguage], ',')+1]
	}
	var wishes []languageRange
	for element := range strings.SplitSeq(header, ",") {
		if wish, ok := readLanguageRange(element); ok && len(wishes) < maxLanguageRanges {
			wishes = append(wishes, wish)
		}
	}
	slices.SortStableFunc(wishes, func(a, b languageRange) int { return cmp.Compare(b.weight, a.weight) })
	return wishes
}

func readLanguageRange(element string) (languageRange, bool) {
	const blanks = " \t"
	tag, parameter, weighted := strings.Cut(element, ";")
	tag = strings.Trim(tag, blanks)
	if !rangePattern.MatchString(tag) {
		return languageRange{}, false
	}
	wish := languageRange{tag: strings.ToLower(tag), weight: 1000}
	if !weighted {
		return wish, true
	}
	name, value, _ := strings.Cut(strings.Trim(parameter, blanks), "=")
	if !strings.EqualFold(name, "q") || !weightPattern.MatchString(value) {
		return languageRange{}, false
	}
	whole, decimals, _ := strings.Cut(value, ".")
	wish.weight, _ = strconv.Atoi(whole + (decimals + "000")[:3])
	return wish, true
}

// chooseLanguage returns which of the offered tags the browser likes best: the first that its strongest wish names, or
// names the general or the regional form of (the lookup of RFC 4647, section 3.4, and then its basic filtering). The first
// of all where nothing fits.
func chooseLanguage(header string, offered []string) int {
	wishes := readAcceptLanguage(header)
	var refused []string
	for _, w := range wishes {
		if w.weight == 0 {
			refused = append(refused, w.tag)
		}
	}
	acceptable := func(tag string) bool { return !slices.Contains(refused, strings.ToLower(tag)) }
	for _, w := range wishes {
		if w.weight == 0 {
			break
		}
		if at := bestOffer(w.tag, offered, acceptable); at >= 0 {
			return at
		}
	}
	return 0
}

// bestOffer returns which offered tag fits a wish, or -1.
func bestOffer(wish string, offered []string, acceptable func(string) bool) int {
	if wish == "*" {
		return slices.IndexFunc(offered, acceptable)
	}
	for general := wish; general != ""; general = moreGeneral(general) {
		if at := slices.IndexFunc(offered, func(tag string) bool {
			return strings.EqualFold(tag, general) && acceptable(tag)
		}); at >= 0 {
			return at
		}
	}
	return slices.IndexFunc(offered, func(tag string) bool {
		return strings.HasPrefix(strings.ToLower(tag), wish+"-") && acceptable(tag)
	})
}

// moreGeneral cuts off the last part of a tag, and a single letter before it: "zh-hant-tw" becomes "zh-hant".
func moreGeneral(tag string) string {
	cut := strings.LastIndexByte(tag, '-')
	if cut < 0 {
		return ""
	}
	tag = tag[:cut]
	if len(tag) >= 2 && tag[len(tag)-2] == '-' {
		tag = tag[:len(tag)-2]
	}
	return tag
}
