using System.Buffers.Binary;
using System.Text;

namespace Sendcat.IntegrationTests.Tracing;

/// <summary>A minimal protobuf reader that finds fields by number; sufficient for the OTLP export format.</summary>
internal readonly struct ProtoMessage(ReadOnlyMemory<byte> bytes)
{
    public IEnumerable<ProtoMessage> Messages(int field) =>
        Fields().Where(it => it.Number == field).Select(it => new ProtoMessage(it.Bytes));

    public string Text(int field) => Encoding.UTF8.GetString(First(field).Bytes.Span);

    public string Hex(int field) => Convert.ToHexStringLower(First(field).Bytes.Span);

    /// <summary>A varint or a fixed-size number; 0 if the field is missing.</summary>
    public ulong Number(int field) => First(field).Value;

    private (int Number, ulong Value, ReadOnlyMemory<byte> Bytes) First(int field) => Fields().FirstOrDefault(it => it.Number == field);

    private IEnumerable<(int Number, ulong Value, ReadOnlyMemory<byte> Bytes)> Fields()
    {
        var at = 0;
        while (at < bytes.Length)
        {
            var tag = Varint(ref at);
            var number = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    yield return (number, Varint(ref at), default);
                    break;
                case 1:
                    yield return (number, BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span[at..]), default);
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(ref at);
                    yield return (number, 0, bytes.Slice(at, length));
                    at += length;
                    break;
                case 5:
                    yield return (number, BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span[at..]), default);
                    at += 4;
                    break;
                default:
                    throw new FormatException($"Unsupported wire type {tag & 7}");
            }
        }
    }

    private ulong Varint(ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var part = bytes.Span[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }
    }
}
