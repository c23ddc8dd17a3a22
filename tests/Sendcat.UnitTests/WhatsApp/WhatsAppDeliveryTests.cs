using System.Text;
using System.Text.Json;
using CsCheck;
using Sendcat.Integrations.WhatsApp;
using Sendcat.UnitTests.Architecture;

namespace Sendcat.UnitTests.WhatsApp;

/// <summary>
/// The payloads of <c>payloads.json</c>, inventions in the shape that Meta documents, are read as a person reads them. What happens to a
/// message afterwards is not tested here.
/// </summary>
public sealed class WhatsAppDeliveryTests
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private static readonly PayloadCase[] Cases = JsonSerializer.Deserialize<PayloadCase[]>(
        File.ReadAllText(Path.Combine(Repository.Root, "tests", "Sendcat.UnitTests", "WhatsApp", "payloads.json")), Json)!;

    public static TheoryData<string> Names => [.. Cases.Select(it => it.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_payload_is_read(string name)
    {
        var (_, payload, expected) = Cases.Single(it => it.Name == name);

        var delivery = WhatsAppDelivery.Read(Encoding.UTF8.GetBytes(payload.GetRawText()));

        Assert.Equal(expected.Invalid, delivery is null);
        if (delivery is not null)
        {
            Assert.Equal(
                expected.Messages,
                delivery.Messages.Select(
                    it => new ExpectedMessage(it.Id, Lower(it.Kind), it.Phone, it.UserId, it.Text, it.Media?.Id, it.IsForwarded)));
            Assert.Equal(
                expected.Statuses,
                delivery.Statuses.Select(it => new ExpectedStatus(it.MessageId, Lower(it.State), it.Phone, it.ErrorCode)));
            Assert.Equal(expected.IdChanges, delivery.IdChanges.Select(change => change with { At = null }));
            Assert.Equal(expected.Errors, delivery.Errors);
        }
    }

    [Fact]
    public void There_are_at_least_forty_payloads() => Assert.True(Cases.Length >= 40, $"{Cases.Length} payloads");

    [Theory]
    [InlineData(WhatsAppMessageState.Read, WhatsAppMessageState.Delivered, true)]
    [InlineData(WhatsAppMessageState.Sent, WhatsAppMessageState.Read, false)]
    [InlineData(WhatsAppMessageState.Sent, WhatsAppMessageState.Sent, false)]
    [InlineData(WhatsAppMessageState.Failed, WhatsAppMessageState.Delivered, false)]
    public void A_later_state_is_never_undone(WhatsAppMessageState status, WhatsAppMessageState known, bool replaces) =>
        Assert.Equal(replaces, new WhatsAppStatus("wamid.S", status, null, null, null, null).Replaces(known));

    [Fact]
    public void A_long_text_and_a_file_name_with_folders_are_cut()
    {
        var text = new string('x', 10_000);
        var body = $$$$$"""{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"id":"a","from":"18765550111","type":"text","text":{"body":"{{{{{text}}}}}"}},{"id":"b","from":"18765550111","type":"document","document":{"id":"1","filename":"../../etc/Invoice.pdf"}}]}}]}]}""";

        var delivery = WhatsAppDelivery.Read(Encoding.UTF8.GetBytes(body))!;

        Assert.Equal(4_000, delivery.Messages[0].Text.Length);
        Assert.Equal("Invoice.pdf", delivery.Messages[1].Media?.FileName);
    }

    [Fact]
    public void Changed_and_truncated_payloads_are_read_or_refused() =>
        Gen.Select(Gen.Int[0, Cases.Length - 1], Gen.Double[0, 1], Gen.Byte.Array[0, 12]).Sample((at, place, bytes) =>
        {
            var body = Encoding.UTF8.GetBytes(Cases[at].Payload.GetRawText());
            var start = (int)(place * body.Length);
            bytes.AsSpan(0, Math.Min(bytes.Length, body.Length - start)).CopyTo(body.AsSpan(start));
            _ = WhatsAppDelivery.Read(body);
            _ = WhatsAppDelivery.Read(body.AsMemory(0, start));
        }, iter: 500);

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private sealed record PayloadCase(string Name, JsonElement Payload, Expected Expected);

    private sealed record Expected(
        bool Invalid, ExpectedMessage[] Messages, ExpectedStatus[] Statuses, WhatsAppIdChange[] IdChanges, int Errors);

    private sealed record ExpectedMessage(
        string Id, string Kind, string? Phone, string? UserId, string Text, string? Media, bool Forwarded);

    private sealed record ExpectedStatus(string Id, string State, string? Phone, int? Error);
}
