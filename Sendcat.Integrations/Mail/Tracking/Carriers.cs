using System.Collections.Frozen;

namespace Sendcat.Integrations.Mail.Tracking;

/// <summary>
/// The ids of carriers as they are stored: those below, and <c>post_jm</c>, <c>post_gb</c>, … for the postal service of a country.
/// </summary>
public static class Carriers
{
    public const string Ups = "ups";
    public const string FedEx = "fedex";
    public const string Usps = "usps";
    public const string Dhl = "dhl";
    public const string DhlEcommerce = "dhl_ecommerce";
    public const string Amazon = "amazon";
    public const string Gofo = "gofo";
    public const string YunExpress = "yunexpress";
    public const string OnTrac = "ontrac";
    public const string LaserShip = "lasership";
    public const string Veho = "veho";

    /// <summary>Words that name a carrier; the longest one that occurs counts.</summary>
    private static readonly (string Word, string Carrier)[] Names =
    [
        ("dhl ecommerce", DhlEcommerce), ("dhl global mail", DhlEcommerce), ("dhl", Dhl), ("fedex", FedEx), ("federal express", FedEx),
        ("usps", Usps),
        ("u.s. postal service", Usps), ("us postal service", Usps), ("united parcel service", Ups), ("ups", Ups),
        ("amazon logistics", Amazon), ("amzl", Amazon),
        ("gofo", Gofo), ("yunexpress", YunExpress), ("yun express", YunExpress), ("yuntrack", YunExpress), ("ontrac", OnTrac),
        ("lasership", LaserShip),
        ("veho", Veho), ("royal mail", "post_gb"), ("canada post", "post_ca"), ("china post", "post_cn"), ("jamaica post", "post_jm"),
        ("japan post", "post_jp"),
        ("deutsche post", "post_de"), ("la poste", "post_fr"), ("correos", "post_es"), ("australia post", "post_au"),
        ("singapore post", "post_sg"),
    ];

    /// <summary>The two-letter codes of the countries and territories whose postal services number parcels by S10.</summary>
    private static readonly FrozenSet<string> Countries =
        ("AD AE AF AG AI AL AM AO AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BM BN BO BQ BR BS BT BW BY BZ CA CD CF CG CH CI CK CL "
            + "CM CN CO CR CU CV CW CY CZ "
        + "DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID "
        + "IE IL IM IN IQ IR IS IT "
        + "JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MH MK ML MM MN MO MP MQ MR MS MT "
        + "MU MV MW MX MY MZ NA NC "
        + "NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL "
        + "SM SN SO SR SS ST SV SX "
        + "SY SZ TC TD TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW")
        .Split(' ').ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> CountriesBySpan =
        Countries.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The carrier that a text names; null: none, or several.</summary>
    public static string? NamedIn(string text)
    {
        string? named = null;
        foreach (var (word, carrier) in Names)
        {
            if (!ContainsWord(text, word) || named == carrier)
            {
                continue;
            }

            if (named is not null && !(named == DhlEcommerce && carrier == Dhl))
            {
                return null;
            }

            named ??= carrier;
        }

        return named;
    }

    /// <summary>The carrier of an S10 number of this country; null: no such country.</summary>
    public static string? PostOf(ReadOnlySpan<char> country) =>
        !CountriesBySpan.Contains(country) ? null : country is "US" ? Usps : $"post_{country.ToString().ToLowerInvariant()}";

    private static bool ContainsWord(string text, string word)
    {
        for (var at = 0; (at = text.IndexOf(word, at, StringComparison.OrdinalIgnoreCase)) >= 0; at += word.Length)
        {
            var end = at + word.Length;
            if ((at == 0 || !char.IsLetter(text[at - 1])) && (end == text.Length || !char.IsLetter(text[end])))
            {
                return true;
            }
        }

        return false;
    }
}
