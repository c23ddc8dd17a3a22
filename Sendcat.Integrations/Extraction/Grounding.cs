using System.Text.RegularExpressions;
using Sendcat.Integrations.Mail;
using Sendcat.Integrations.Mail.Merchants;
using Sendcat.Integrations.Mail.Orders;
using Sendcat.Integrations.Mail.Prices;
using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.Integrations.Extraction;

/// <summary>
/// Keeps of a model's answer what the document supports: order numbers, tracking numbers, amounts and currencies that stand in its text. Of
/// a picture there is no text, so numbers count if they have a known format with a right check digit.
/// </summary>
internal static class Grounding
{
    private const double MostConfidenceOfModel = 0.85;
    private const double MostConfidenceOfPicture = 0.65;

    private static readonly Regex OtherNumber = LinearRegex.Of(
        @"(tel|phone|call|fax|mobile|whatsapp|coupon|promo|promo\s*code|voucher|gift\s*card|sku|upc|asin|zip|iban|trn|account"
            + @"|customer\s*(no|number|id)?|use\s+code|code|telefon|t[eé]l[eé]phone|tel[eé]fono)\s*[.:#]*\s*(is\s+)?$");

    /// <summary>The orders of an answer about a mail or message.</summary>
    /// <param name="mail">What the model read.</param>
    /// <param name="answer">What it says.</param>
    /// <param name="tracking">The tracking numbers that were found without the model; they take precedence.</param>
    /// <param name="dollarCountry">Whose dollar a "$" alone is.</param>
    public static (IReadOnlyList<ExtractedOrder> Orders, int Dropped) OfText(
        ReadMail mail, ModelAnswer answer, IReadOnlyList<TrackingMatch> tracking, string? dollarCountry)
    {
        var (orders, dropped) = (new List<ExtractedOrder>(), 0);
        var left = tracking.ToList();
        var confidence = Math.Min(answer.Confidence, MostConfidenceOfModel);
        foreach (var said in answer.Orders)
        {
            var number = Count(
                said.OrderNumber, said.OrderNumber is null ? null : OrderNumber(mail.Text, said.OrderNumber, tracking, confidence),
                ref dropped);
            var total = Count(
                said.Total, said.Total is { } amount ? Total(mail.Text, amount, said.Currency, dollarCountry, confidence) : null,
                ref dropped);
            var parcels = new List<ExtractedParcel>();
            foreach (var named in said.TrackingNumbers.Distinct(StringComparer.OrdinalIgnoreCase))
            {
                if (TrackingFormats.Normalize(named) is { } normalized && left.Find(match => match.Number == normalized) is { } known)
                {
                    left.Remove(known);
                    parcels.Add(MerchantParser.Parcel(mail.Text, known));
                }
                else if (TrackingNumbers.Judge(mail.Text, named, tracking) is { } match && match.Number != number?.Value)
                {
                    if (orders.Concat([]).All(order => order.Parcels.All(parcel => parcel.TrackingNumber.Value != match.Number)))
                    {
                        parcels.Add(
                            new(
                                new(
                                    match.Number, FieldSource.Model, Math.Min(confidence, 0.7),
                                    Evidence.InText(mail.Text, match.Start, match.Length)),
                                match.Carrier, match.Candidates));
                    }
                }
                else
                {
                    dropped++;
                }
            }

            if (number is not null || parcels.Count > 0)
            {
                orders.Add(Order(mail, said, number, total, parcels, confidence));
            }
        }

        return (WithRest(mail, orders, left, confidence), dropped);
    }

    /// <summary>The orders of an answer about a picture.</summary>
    public static (IReadOnlyList<ExtractedOrder> Orders, int Dropped) OfPicture(ReadMail caption, ModelAnswer answer)
    {
        var (orders, dropped) = (new List<ExtractedOrder>(), 0);
        var confidence = Math.Min(answer.Confidence, MostConfidenceOfPicture);
        foreach (var said in answer.Orders)
        {
            var known = Merchant.All.Any(
                merchant => said.OrderNumber is { } text && merchant.OrderNumber.Match(text.Trim()) is { Success: true, Index: 0 } match
                    && match.Length == text.Trim().Length);
            var number = Count(
                said.OrderNumber,
                said.OrderNumber is null ? null
                    : known ? new Found<string>(said.OrderNumber.Trim().ToUpperInvariant(), FieldSource.Picture, confidence, null)
                    : OrderNumber(caption.Text, said.OrderNumber, [], confidence),
                ref dropped);
            var currency = PriceTexts.Code(said.Currency);
            var total = Count(
                said.Total,
                said.Total is > 0 and var amount && currency is not null
                    ? new Found<Price>(new(amount, currency), FieldSource.Picture, confidence, null)
                    : null,
                ref dropped);
            var parcels = new List<ExtractedParcel>();
            foreach (var named in said.TrackingNumbers.Distinct(StringComparer.OrdinalIgnoreCase))
            {
                var match = TrackingNumbers.OfNamed(named, said.Carrier);
                if (match is not null
                    && match.Candidates.Any(candidate => candidate.HasCheckDigit || candidate.Certainty is not Certainty.NeedsLabel))
                {
                    parcels.Add(new(new(match.Number, FieldSource.Picture, confidence, null), match.Carrier, match.Candidates));
                }
                else
                {
                    dropped++;
                }
            }

            if (number is not null || parcels.Count > 0)
            {
                orders.Add(Order(caption, said, number, total, parcels, confidence));
            }
        }

        return (orders, dropped);
    }

    /// <summary>Tracking numbers that the model did not name: of the only order, or an order without a number.</summary>
    private static IReadOnlyList<ExtractedOrder> WithRest(
        ReadMail mail, List<ExtractedOrder> orders, List<TrackingMatch> left, double confidence)
    {
        var rest = left.Where(
            match => orders.All(
                order => order.OrderNumber?.Value != match.Number
                    && order.Parcels.All(parcel => parcel.TrackingNumber.Value != match.Number)))
            .Select(match => MerchantParser.Parcel(mail.Text, match)).ToArray();
        if (rest.Length == 0)
        {
            return orders;
        }

        if (orders.Count == 0)
        {
            return
            [
                new()
                {
                    Merchant = mail.Merchant?.Id ?? mail.SenderDomain ?? "unknown",
                    StoreName = mail.FromName,
                    Parcels = rest,
                    Confidence = Math.Min(confidence, 0.6),
                    Trust = mail.Trust,
                },
            ];
        }

        // The order that is mentioned last before the parcel.
        foreach (var parcel in rest)
        {
            var place = parcel.TrackingNumber.Evidence?.Start ?? -1;
            var owner = orders.LastOrDefault(order => order.OrderNumber?.Evidence?.Start <= place) ?? orders[0];
            orders[orders.IndexOf(owner)] = owner with { Parcels = [.. owner.Parcels, parcel] };
        }

        return orders;
    }

    private static ExtractedOrder Order(
        ReadMail mail, ModelOrder said, Found<string>? number, Found<Price>? total, IReadOnlyList<ExtractedParcel> parcels,
        double confidence) =>
        new()
    {
        Merchant = mail.Merchant?.Id ?? mail.SenderDomain ?? MerchantOf(said) ?? "unknown",
        StoreName = said.StoreName ?? said.Merchant ?? mail.FromName,
        OrderNumber = number,
        Total = total,
        ItemsSummary = said.ItemsSummary,
        Parcels = parcels,
        Confidence = confidence,
        Trust = mail.Trust,
    };

    /// <summary>A message of a user has no sender: the name that the model read may be one of the known merchants.</summary>
    private static string? MerchantOf(ModelOrder said)
    {
        var name = said.Merchant ?? said.StoreName;
        return name is null
            ? null
            : Merchant.All.FirstOrDefault(
                merchant => name.Contains(merchant.Name, StringComparison.OrdinalIgnoreCase))?.Id ?? name.ToLowerInvariant();
    }

    private static Found<string>? OrderNumber(string text, string number, IReadOnlyList<TrackingMatch> tracking, double confidence)
    {
        number = number.Trim().TrimStart('#').Trim();
        if (number.Length < 3 || !number.Any(char.IsAsciiDigit) || tracking.Any(match => match.Number == TrackingFormats.Normalize(number)))
        {
            return null;
        }

        for (var at = 0; (at = text.IndexOf(number, at, StringComparison.OrdinalIgnoreCase)) >= 0; at++)
        {
            var end = at + number.Length;
            if (IsWhole(text, at, end) && !OtherNumber.IsMatch(text[Math.Max(0, at - 30)..at]))
            {
                return new(text[at..end].ToUpperInvariant(), FieldSource.Model, confidence, Evidence.InText(text, at, number.Length));
            }
        }

        return null;
    }

    private static Found<Price>? Total(string text, decimal amount, string? currency, string? dollarCountry, double confidence)
    {
        var code = PriceTexts.Code(currency);
        var matches = PriceTexts.Find(text, dollarCountry).Where(match => match.Price.Amount == amount).ToArray();
        if ((matches.FirstOrDefault(match => match.Price.Currency == code) ?? matches.FirstOrDefault()) is { } match)
        {
            var price = match.Price.Currency is null && code is not null && Stands(text, code)
                ? match.Price with { Currency = code }
                : match.Price;
            return new(price, FieldSource.Model, confidence, Evidence.InText(text, match.Start, match.Length));
        }

        // An amount without a sign: its currency counts if its code stands elsewhere.
        foreach (Match plain in PlainNumber.Matches(text))
        {
            if (PriceTexts.Number(plain.Value) == amount)
            {
                return new(
                    new(amount, code is not null && Stands(text, code) ? code : null), FieldSource.Model, confidence,
                    Evidence.InText(text, plain.Index, plain.Length));
            }
        }

        return null;
    }

    private static readonly Regex PlainNumber = LinearRegex.Of(@"\b[0-9][0-9.,]{0,16}[0-9]\b");

    private static bool Stands(string text, string code)
    {
        for (var at = 0; (at = text.IndexOf(code, at, StringComparison.Ordinal)) >= 0; at += code.Length)
        {
            if (IsWhole(text, at, at + code.Length))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Not a part of a longer word or number.</summary>
    private static bool IsWhole(string text, int start, int end) =>
        (start == 0 || (!IsAlphabetic(text[start - 1]) && (text[start - 1] != '-' || start < 2 || !char.IsLetterOrDigit(text[start - 2]))))
        && (end == text.Length || (
            !IsAlphabetic(text[end]) && (text[end] != '-' || end + 1 == text.Length || !char.IsLetterOrDigit(text[end + 1]))));

    /// <summary>A letter or digit of a script that puts blanks between words.</summary>
    private static bool IsAlphabetic(char letter) => letter < '\u2E80' && char.IsLetterOrDigit(letter);

    private static Found<T>? Count<T>(object? said, Found<T>? found, ref int dropped)
    {
        dropped += said is not null && found is null ? 1 : 0;
        return found;
    }
}
