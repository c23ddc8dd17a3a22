using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sendcat.ApiService.Http;

/// <summary>The one format of times in responses: UTC, ISO 8601, microseconds, <c>2026-01-31T09:05:00.000000Z</c>.</summary>
internal static class UtcTime
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    public static string Text(DateTimeOffset at) => at.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    /// <param name="at">A UTC time.</param>
    public static string Text(DateTime at) => at.ToString(Format, CultureInfo.InvariantCulture);
}

/// <summary>Writes <see cref="UtcTime"/>, and reads every ISO 8601 time.</summary>
internal sealed class UtcDateTimeConverter : JsonConverter<DateTime>
{
    public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset().UtcDateTime;

    public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) =>
        writer.WriteStringValue(UtcTime.Text(value));
}

/// <inheritdoc cref="UtcDateTimeConverter"/>
internal sealed class UtcDateTimeOffsetConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(UtcTime.Text(value));
}
