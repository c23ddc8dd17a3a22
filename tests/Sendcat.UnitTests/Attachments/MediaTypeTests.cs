using System.Text;
using Sendcat.ApiService.Attachments;

namespace Sendcat.UnitTests.Attachments;

public sealed class MediaTypeTests
{
    [Theory]
    [InlineData("89504E470D0A1A0A0000000D49484452", "image/png")]
    [InlineData("FFD8FFE000104A464946", "image/jpeg")]
    [InlineData("474946383961", "image/gif")]
    [InlineData("474946383761", "image/gif")]
    [InlineData("52494646000000005745425056503820", "image/webp")]
    [InlineData("0000001C667479706176696600000000", "image/avif")]
    [InlineData("0000001C667479706D696631000000006D69663161766966", "image/avif")]
    [InlineData("00000018667479706865696300000000", "image/heic")]
    [InlineData("255044462D312E370A", "application/pdf")]
    [InlineData("3C737667", null)]
    [InlineData("3C21646F6374797065", null)]
    [InlineData("504B0304", null)]
    [InlineData("52494646000000005741564520202020", null)]
    [InlineData("0000001C6674797069736F6D00000000", null)]
    [InlineData("89504E47", null)]
    [InlineData("2025504446", null)]
    [InlineData("4D5A", null)]
    [InlineData("00", null)]
    [InlineData("", null)]
    public void The_type_comes_from_the_first_bytes(string head, string? type) =>
        Assert.Equal(type, MediaType.Of(Convert.FromHexString(head)));

    [Fact]
    public void Every_recognized_type_is_known_and_scripts_are_not() =>
        Assert.Equal(
            (true, true, false, false),
            (MediaType.IsKnown("image/heic"), MediaType.IsKnown("application/PDF"), MediaType.IsKnown("image/svg+xml"),
                MediaType.IsKnown("text/html")));

    [Theory]
    [InlineData("photo.jpg", "photo.jpg")]
    [InlineData("../../etc/passwd", "passwd")]
    [InlineData(@"C:\Users\ann\bill.pdf", "bill.pdf")]
    [InlineData("..", "file")]
    [InlineData("  ", "file")]
    [InlineData(null, "file")]
    [InlineData("a\r\nSet-Cookie: b.png", "aSet-Cookie: b.png")]
    [InlineData("exe\u202Egnp.png", "exegnp.png")]
    [InlineData("Rechnung für José 📦.pdf", "Rechnung für José 📦.pdf")]
    public void A_name_is_for_showing_only(string? sent, string shown) => Assert.Equal(shown, FileName.Of(sent));

    [Fact]
    public void A_long_name_is_cut_between_characters()
    {
        var name = FileName.Of(new string('x', 254) + "📦.png");

        Assert.Equal(new string('x', 254), name);
        Assert.True(Encoding.UTF8.GetByteCount(name) <= 255);
    }
}
