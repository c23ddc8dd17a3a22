using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using System.Text.RegularExpressions;

namespace Sendcat.UpstreamEmulator.WhatsApp;

/// <summary>
/// Makes files that show a text: a PNG whose description says what a camera would have seen, and a PDF with one line for each line of the
/// text. The emulated model reads both.
/// </summary>
internal static class DrawnFiles
{
    private const string Keyword = "Description";

    public static byte[] Png(string text)
    {
        var png = new MemoryStream();
        png.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        Chunk(png, "IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
        Chunk(png, "iTXt", [.. Encoding.ASCII.GetBytes(Keyword), 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(text)]);
        Chunk(png, "IDAT", [0x78, 0x9C, 0x63, 0x60, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01]);
        Chunk(png, "IEND", []);
        return png.ToArray();
    }

    public static byte[] Pdf(string text)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("(", "\\(", StringComparison.Ordinal).Replace(")", "\\)", StringComparison.Ordinal);
        var lines = escaped.Split('\n').Select(line => $"({line}) Tj T*");
        var page = $"BT /F1 12 Tf 72 720 Td 14 TL {string.Join('\n', lines)} ET";
        return Encoding.Latin1.GetBytes(
            $"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
            + $"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n4 0 obj<</Length {page.Length}>>stream\n{page}\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n");
    }

    /// <summary>What a file shows; empty: nothing that can be read.</summary>
    public static string TextOf(ReadOnlySpan<byte> file)
    {
        if (file.StartsWith("%PDF-"u8))
        {
            var lines = Regex.Matches(
                Encoding.Latin1.GetString(file), @"\((?<text>([^()\\]|\\.)*)\) Tj", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
            return string.Join('\n', lines
                .Select(
                    line => line.Groups["text"].Value.Replace("\\(", "(", StringComparison.Ordinal)
                        .Replace("\\)", ")", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal)));
        }

        for (var rest = file.Length > 8 && file[0] == 0x89 ? file[8..] : []; rest.Length >= 12;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(rest);
            if (length < 0 || length > rest.Length - 12)
            {
                break;
            }

            var data = rest.Slice(8, length);
            if (rest.Slice(4, 4).SequenceEqual("iTXt"u8) && data.StartsWith(Encoding.ASCII.GetBytes(Keyword)))
            {
                return Encoding.UTF8.GetString(data[(Keyword.Length + 5)..]);
            }

            rest = rest[(length + 12)..];
        }

        return "";
    }

    private static void Chunk(MemoryStream png, string type, byte[] data)
    {
        byte[] typed = [.. Encoding.ASCII.GetBytes(type), .. data];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        png.Write(number);
        png.Write(typed);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.HashToUInt32(typed));
        png.Write(number);
    }
}
