using Sendcat.Integrations.Mail.Tracking;

namespace Sendcat.UnitTests.Mail;

/// <summary>Check digits that were computed by hand from the carriers' rules, independent of the code.</summary>
public sealed class CheckDigitTests
{
    [Theory]
    [InlineData("1Z2000000300000011", "places 1, 8 and 15 hold 2, 3 and 1: 2 + 2·3 + 1 = 9, and 10 − 9 = 1")]
    [InlineData("1ZA000000000000008", "A counts as 2: 10 − 2 = 8")]
    public void Ups(string number, string because) => Assert.True(CheckDigits.Ups(number.AsSpan(2)), because);

    [Theory]
    [InlineData("100000000003", "3·1 = 3")]
    [InlineData("010000000001", "1·1 = 1")]
    [InlineData("001000000007", "7·1 = 7")]
    [InlineData("130000000006", "3·1 + 1·3 = 6")]
    public void FedEx_Express(string number, string because) => Assert.True(CheckDigits.FedExExpress(number), because);

    [Theory]
    [InlineData("17", "3·1 = 3, and 10 − 3 = 7")]
    [InlineData("109", "1·1 = 1 at the even place, and 10 − 1 = 9")]
    [InlineData("00000000000000000017", "leading zeros do not count")]
    public void Gs1(string number, string because) => Assert.True(CheckDigits.Gs1(number), because);

    [Theory]
    [InlineData("00000000000000000002", "91 counts 3·9 + 1 = 28, and 30 − 28 = 2")]
    [InlineData("00000000000000000101", "28 + 1·1 = 29 at the even place, and 30 − 29 = 1")]
    public void Usps_without_its_leading_digits(string number, string because) => Assert.True(CheckDigits.Gs1Without91(number), because);

    [Theory]
    [InlineData("0000000011", "1 modulo 7 is 1")]
    [InlineData("0000000103", "10 modulo 7 is 3")]
    [InlineData("0000001002", "100 modulo 7 is 2")]
    public void Dhl_Express(string number, string because) => Assert.True(CheckDigits.Mod7(number), because);

    [Theory]
    [InlineData("100000003", "8·1 = 8, and 11 − 8 = 3")]
    [InlineData("010000005", "6·1 = 6, and 11 − 6 = 5")]
    [InlineData("000000005", "11 − 0 = 11, which is written 5")]
    [InlineData("000010008", "3·1 = 3, and 11 − 3 = 8")]
    [InlineData("012000008", "6 + 4·2 = 14, 14 modulo 11 is 3, and 11 − 3 = 8")]
    public void S10(string number, string because) => Assert.True(CheckDigits.S10(number), because);

    [Theory]
    [InlineData("C10000000000004", "the C is a 4: 4 + 2·1 = 6, and 10 − 6 = 4")]
    [InlineData("D10000000000003", "the D is a 5: 5 + 2·1 = 7, and 10 − 7 = 3")]
    [InlineData("C41000000000004", "the 4 is printed and counts once: 4 + 2·1 = 6, and 10 − 6 = 4")]
    public void OnTrac(string number, string because) => Assert.True(CheckDigits.OnTrac(number), because);
}
