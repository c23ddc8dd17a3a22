using System.Text.RegularExpressions;

namespace Sendcat.Integrations.Mail.Tracking;

/// <summary>What the words near a number say about it.</summary>
internal enum LabelKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It is about a parcel.</summary>
    Parcel,

    /// <summary>It is a tracking number.</summary>
    Tracking,

    /// <summary>It is something else: an order, a coupon, an article, a phone.</summary>
    Other,
}

/// <summary>
/// Reads the label of a number: the nearest words before it that say what a number is, in the languages of the merchants.
/// </summary>
internal static class NumberLabels
{
    private const int Reach = 120;
    private const int ReachAfter = 48;

    private const string TrackingWords =
        @"track(ing|s|ed|able)?(\s*(and|&|&amp;)\s*trace)?|trk|way\s?bill|awb|airway|consignment|shipment\s*(number|no\b|id|\#)"
            + @"|parcel\s*(number|no\b|id|\#)"
        + @"|package\s*(number|no\b|id|\#)|delivery\s*(number|no\b|\#)|sendungsnummer|sendungsverfolgung|paketnummer|frachtbrief"
        + @"|num[eé]ro\s+de\s+suivi|n°\s*de\s*suivi|suivi"
        + @"|n[uú]mero\s+de\s+(gu[ií]a|seguimiento|env[ií]o|rastreo)|gu[ií]a|seguimiento|rastreo|rastreio|rastreamento"
        + @"|c[oó]digo\s+de\s+envio|tracciamento|tracking-nummer"
        + @"|zendingsnummer|barcode|sp[åa]rningsnummer|kollinummer|numer\s+(przesy[łl]ki|paczki)|przesy[łl]k[ai]|sledov[aá]n[ií]"
        + @"|отслежива\w*|трек\w*|накладн\w*"
        + @"|takip\s*(no|numaras[ıi])|kargo\s*takip";

    /// <summary>Words of languages that put no blanks between words.</summary>
    private const string AsianTrackingWords =
        "追跡番号|お問い合わせ番号|問い合わせ番号|伝票番号|送り状番号|运单号|運單號|运单编号|快递单号|物流单号|物流單號|追踪号|追蹤號碼|追蹤編號|송장\\s*번호|운송장\\s*번호|운송장";

    private const string ParcelWords =
        @"ship(ped|ping|ment|ments|s|per)?|parcels?|packages?|packet|carrier|courier|delivery|delivered|dispatched|sent\s+(with|by|via)"
            + @"|via|sendung|paket|versand\w*|colis|exp[eé]di\w*"
        + @"|paquete|env[ií]o|enviado|encomenda|spedi\w*|pacco|pakket|verzonden|посылк\w*|доставк\w*|отправл\w*|kargo"
        + @"|ups|fedex|usps|dhl|ontrac|lasership|veho|gofo|yunexpress|amazon\s+logistics|royal\s+mail|canada\s+post|china\s+post"
        + @"|jamaica\s+post|japan\s+post|deutsche\s+post"
        + @"|la\s+poste|correos|hermes|evri|dpd|gls|cainiao|yanwen|sf\s+express|4px|uniuni|speedx|knutsford";

    private const string AsianParcelWords = "発送|配送|お届け|荷物|包裹|快递|快遞|物流|배송|택배";

    private const string OtherWords =
        @"orders?\s*(number|no\b\.?|nr\b\.?|id|code|\#|:|ref\w*)|order|invoices?|coupon\w*|promo(tion)?\w*|voucher|discount|gift\s*card"
            + @"|redeem|pin\b|otp|passcode|code|sku|item\s*(number|no\b|id|\#|:)"
        + @"|product\s*(number|no\b|id|code|\#|:)|style|model|asin|upc|ean|gtin|isbn|imei|serial|lot|batch|phone|tel\b\.?|telephone"
        + @"|mobile|cell|call|fax|whatsapp|contact|text\s+us|hotline"
        + @"|account|acct|customer|member(ship)?|loyalty|user\s*id|mailbox|suite|ref(erence)?|transaction|payment|card|auth\w*"
        + @"|confirmation\s*(number|no\b|code|\#|:)|trn|zip|postcode|iban"
        + @"|policy|case|ticket|booking|reservation|receipt|po\s*\#|p\.o\.|purchase\s+order|vat|tax\s*id|gct|ein|licen[cs]e|registration"
        + @"|reg\.?\s*no|bestell\w*|auftrag\w*|rechnung\w*|kundennummer"
        + @"|gutschein\w*|artikel\w*|telefon\w*|commande|facture|r[eé]f[eé]rence|t[eé]l[eé]phone|code\s+promo|pedido|factura|tel[eé]fono"
        + @"|cup[oó]n|referencia|ordine|fattura|ordernummer|bestelnummer"
        + @"|factuur|telefoon|artikelnummer|zam[oó]wieni\w*|faktur\w*|заказ\w*|счет\w*|телефон\w*|артикул\w*|sipari[sş]\w*";

    private const string AsianOtherWords = "注文番号|ご注文|電話|クーポン|商品番号|订单号|订单|訂單|电话|优惠码|货号|주문\\s*번호|전화|쿠폰";

    private static readonly Regex Words = LinearRegex.Of(
        $@"(?<tracking>\b({TrackingWords})|{AsianTrackingWords})|(?<other>\b({OtherWords})|{AsianOtherWords})"
        + $@"|(?<parcel>\b({ParcelWords})|{AsianParcelWords})");

    /// <summary>The words for tracking followed by a number, with nothing but a few signs and short words between.</summary>
    private static readonly Regex Labelled = LinearRegex.Of(
        $@"(\b({TrackingWords})|{AsianTrackingWords})\s*(numbers?|nos?\b\.?|nr\b\.?|id|ids|code|\#|n°|nummer|номер\w*)?"
        + @"\s*(\([^)\n]{0,30}\))?\s*(is|are|ist|es|est|[eè])?\s*[:：#\-–]?\s*\#?\s*(?<number>[A-Z]{0,6}[0-9][A-Z0-9]{6,39})");

    /// <summary>The label of the number at this place.</summary>
    public static LabelKind Of(string text, int start, int end)
    {
        var from = Math.Max(0, start - Reach);
        var before = text.AsSpan(from, start - from);
        var line = before.LastIndexOf('\n') is >= 0 and var cut ? before[(cut + 1)..] : before;
        if (Nearest(line) is var onLine and not LabelKind.None)
        {
            return onLine;
        }

        var after = text.AsSpan(end, Math.Min(ReachAfter, text.Length - end));
        after = after.IndexOf('\n') is >= 0 and var lineEnd ? after[..lineEnd] : after;
        if (First(after) is (LabelKind.Tracking or LabelKind.Parcel) and var behind)
        {
            return behind;
        }

        return Nearest(before);
    }

    /// <summary>Each number that directly follows a word for tracking.</summary>
    public static IEnumerable<(int Start, int Length)> NumbersAfterTracking(string text)
    {
        for (var match = Labelled.Match(text); match.Success; match = match.NextMatch())
        {
            var number = match.Groups["number"];
            yield return (number.Index, number.Length);
        }
    }

    /// <summary>
    /// The last label before the end of the text. A label that another number has already followed belongs to that number, unless it is one
    /// for tracking, which may have a list of numbers.
    /// </summary>
    private static LabelKind Nearest(ReadOnlySpan<char> before)
    {
        var nearest = LabelKind.None;
        var text = before.ToString();
        for (var match = Words.Match(text); match.Success; match = match.NextMatch())
        {
            var kind = KindOf(match);
            if (kind is LabelKind.Tracking or LabelKind.Parcel)
            {
                nearest = kind is LabelKind.Parcel && nearest is LabelKind.Tracking && !HasNumber(text.AsSpan(match.Index))
                    ? LabelKind.Tracking
                    : kind;
            }
            else if (!HasNumber(text.AsSpan(match.Index + match.Length))
                && !IsProse(text.AsSpan(match.Index, match.Length), text.AsSpan(match.Index + match.Length)))
            {
                nearest = kind;
            }
        }

        return nearest;
    }

    private static LabelKind First(ReadOnlySpan<char> after)
    {
        var text = after.ToString();
        var match = Words.Match(text);
        return match.Success && !HasNumber(text.AsSpan(0, match.Index)) ? KindOf(match) : LabelKind.None;
    }

    private static LabelKind KindOf(Match match) =>
        match.Groups["tracking"].Success ? LabelKind.Tracking : match.Groups["other"].Success ? LabelKind.Other : LabelKind.Parcel;

    /// <summary>A bare "order" in a sentence, "your order is on its way: 1Z…", is no label.</summary>
    private static bool IsProse(ReadOnlySpan<char> word, ReadOnlySpan<char> rest)
    {
        var letters = 0;
        foreach (var letter in rest)
        {
            letters += char.IsLetter(letter) ? 1 : 0;
        }

        return letters > 12 || (letters > 0 && word.Equals("order", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Whether a number of at least four digits stands in the text.</summary>
    private static bool HasNumber(ReadOnlySpan<char> text)
    {
        var digits = 0;
        foreach (var letter in text)
        {
            digits = char.IsAsciiDigit(letter) ? digits + 1 : 0;
            if (digits == 4)
            {
                return true;
            }
        }

        return false;
    }
}
