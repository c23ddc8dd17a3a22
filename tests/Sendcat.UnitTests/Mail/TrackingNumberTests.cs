using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.UnitTests.Mail;

/// <summary>The formats of carriers, their check digits, and the words that make a number a tracking number.</summary>
public sealed class TrackingNumberTests
{
    [Theory]
    [InlineData("1Z5W7A880342719062", "ups")]
    [InlineData("T1234567897", "ups")]
    [InlineData("TBA402117735509", "amazon")]
    [InlineData("TBC402117735509", "amazon")]
    [InlineData("410273618825", "fedex")]
    [InlineData("960771234567893", "fedex")]
    [InlineData("9622001900007712345678", "fedex")]
    [InlineData("9400110200881234567890", "usps")]
    [InlineData("9205590164917312345673", "usps")]
    [InlineData("420331729400110200881234567890", "usps")]
    [InlineData("EE473124829US", "usps")]
    [InlineData("RB473124829GB", "post_gb")]
    [InlineData("LX473124829CN", "post_cn")]
    [InlineData("RR473124829JM", "post_jm")]
    [InlineData("5471203316", "dhl")]
    [InlineData("JD014600009412773105", "dhl")]
    [InlineData("GM295117203300558741", "dhl_ecommerce")]
    [InlineData("GFUS01028837115206", "gofo")]
    [InlineData("YT2631400271118205", "yunexpress")]
    [InlineData("C10999887766558", "ontrac")]
    [InlineData("LX10447291", "lasership")]
    [InlineData("LQ14472913", null)]
    public void A_printed_number_has_the_format_of_its_carrier(string number, string? carrier)
    {
        var own = Completed(number);

        Assert.Equal(carrier is null ? [] : [carrier], TrackingFormats.CandidatesOf(own).Select(candidate => candidate.Carrier).Distinct());
    }

    [Theory]
    [InlineData("1Z5W7A880342719062")]
    [InlineData("410273618825")]
    [InlineData("960771234567893")]
    [InlineData("9400110200881234567890")]
    [InlineData("RB473124829GB")]
    [InlineData("5471203316")]
    public void Each_wrong_check_digit_is_refused(string number)
    {
        var right = Completed(number);
        var at = right.Length == 13 ? 10 : right.Length - 1;

        Assert.All(Enumerable.Range(1, 9), step =>
        {
            var wrong = $"{right[..at]}{(right[at] - '0' + step) % 10}{right[(at + 1)..]}";
            Assert.Empty(TrackingFormats.CandidatesOf(wrong));
        });
    }

    [Theory]
    [InlineData("RB473124829XX")]
    [InlineData("1Z999AA10123456784 is the sample that carriers print")]
    [InlineData("TBA000000000000")]
    public void Unknown_countries_and_samples_are_no_parcels(string text) => Assert.Empty(TrackingNumbers.Find($"Tracking number: {text}"));

    [Theory]
    [InlineData("Order no. {0}")]
    [InlineData("Coupon: {0}")]
    [InlineData("SKU {0}")]
    [InlineData("Call us: {0}")]
    [InlineData("Gift card {0}")]
    [InlineData("Invoice number: {0} of the parcel")]
    [InlineData("注文番号：{0}")]
    public void A_number_with_another_label_is_no_parcel(string text)
    {
        foreach (var number in (string[])
            [
                Completed("1Z5W7A880342719062"), Completed("410273618825"), Completed("9400110200881234567890"), Completed("5471203316"),
                Completed("RB473124829GB"),
            ])
        {
            Assert.Empty(TrackingNumbers.Find(string.Format(System.Globalization.CultureInfo.InvariantCulture, text, number)));
        }
    }

    [Theory]
    [InlineData("Your order is on its way: {0}")]
    [InlineData("Tracking for order 112-3344556-1122334: {0}")]
    [InlineData("Shipped via UPS\n{0}\nThank you")]
    [InlineData("Tracking #{0}.")]
    [InlineData("运单号：{0}")]
    [InlineData("Sendungsnummer: {0}")]
    public void A_number_near_words_about_parcels_is_found(string text)
    {
        var number = Completed("1Z5W7A880342719062");

        var match = Assert.Single(TrackingNumbers.Find(string.Format(System.Globalization.CultureInfo.InvariantCulture, text, number)));

        Assert.Equal((number, "ups"), (match.Number, match.Carrier));
    }

    [Fact]
    public void Twelve_digits_need_more_than_a_word_about_parcels()
    {
        var number = Completed("410273618825");

        Assert.Empty(TrackingNumbers.Find($"{number}"));
        Assert.Empty(TrackingNumbers.Find($"Your parcel {number}"));
        Assert.Single(TrackingNumbers.Find($"Your FedEx parcel {number}"));
        Assert.Single(TrackingNumbers.Find($"Tracking number {number}"));
    }

    [Fact]
    public void Groups_of_digits_are_one_number_and_keep_their_place()
    {
        var number = Completed("9400110200881234567890");
        var text = $"USPS tracking {string.Join(' ', number.Chunk(4).Select(group => new string(group)))} today";

        var match = Assert.Single(TrackingNumbers.Find(text));

        Assert.Equal(number, match.Number);
        Assert.Equal(number, text.Substring(match.Start, match.Length).Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public void A_count_behind_a_number_is_no_part_of_it()
    {
        Assert.Equal("GFUS01044817290113", Assert.Single(TrackingNumbers.Find("Tracking number: GFUS01044817290113 3 items")).Number);
        Assert.Equal("YT2632911000448127", Assert.Single(TrackingNumbers.Find("Tracking number: YT2632911000448127 12 pieces")).Number);
    }

    [Fact]
    public void An_ambiguous_number_lists_its_carriers_until_the_mail_names_one()
    {
        var number = Completed("00734512345678901235");

        var unnamed = Assert.Single(TrackingNumbers.Find($"Tracking number: {number}"));
        var named = Assert.Single(TrackingNumbers.Find($"FedEx tracking number: {number}"));

        Assert.Null(unnamed.Carrier);
        Assert.Equal(["fedex", "usps"], unnamed.Candidates.Select(candidate => candidate.Carrier).Order(StringComparer.Ordinal));
        Assert.Equal("fedex", named.Carrier);
    }

    [Fact]
    public void A_list_has_one_label()
    {
        string[] numbers = [Completed("9400110200881234567890"), Completed("9400110200881234500000"), Completed("410273618825")];

        Assert.Equal(numbers, TrackingNumbers.Find($"Tracking numbers:\n{string.Join("\n", numbers)}").Select(match => match.Number));
    }

    [Theory]
    [InlineData("https://www.ups.com/track?loc=en_US&tracknum={0}")]
    [InlineData("https://click.shop.example/r?u=https%3A%2F%2Fwww.ups.com%2Ftrack%3Ftracknum%3D{0}%26x%3D1")]
    [InlineData("https://t.17track.net/en#nums={0}")]
    [InlineData("https://shop.example/account?tracking_number={0}")]
    public void Links_of_carriers_hold_numbers(string link)
    {
        var number = Completed("1Z5W7A880342719062");

        Assert.Equal(
            number,
            Assert.Single(TrackingLinks.NumbersIn(string.Format(System.Globalization.CultureInfo.InvariantCulture, link, number))).Number);
    }

    [Theory]
    [InlineData("https://www.ups.com.evil.example/track?tracknum2={0}")]
    [InlineData("https://shop.example/order?order_id={0}")]
    [InlineData("javascript:alert('{0}')")]
    public void Other_links_hold_none(string link) =>
        Assert.Empty(
            TrackingLinks.NumbersIn(
                string.Format(System.Globalization.CultureInfo.InvariantCulture, link, Completed("1Z5W7A880342719062"))));

    /// <summary>
    /// The number with the check digit that makes it valid, so that the numbers here are inventions and not somebody's parcels.
    /// </summary>
    private static string Completed(string number)
    {
        var at = number.Length == 13 ? 10 : number.Length - 1;
        for (var digit = '0'; digit <= '9'; digit++)
        {
            var candidate = $"{number[..at]}{digit}{number[(at + 1)..]}";
            if (TrackingFormats.CandidatesOf(candidate).Any(format => format.HasCheckDigit))
            {
                return candidate;
            }
        }

        return number;
    }
}
