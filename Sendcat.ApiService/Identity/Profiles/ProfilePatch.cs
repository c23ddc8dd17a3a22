using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity.Profiles;

/// <summary>
/// A JSON Merge Patch (RFC 7396) of a profile: fields that are absent stay, null clears a field, and the address is merged field by field.
/// </summary>
internal sealed class ProfilePatch : IValidatable
{
    private static readonly string[] Texts = ["fullName", "email", "phone", "gender", "trn", "sessionId"];
    private static readonly string[] AddressLines = ["streetAddress", "streetAddress2", "city", "parish", "postalCode"];

    /// <summary>All fields of the body by name. Of a repeated name the last one counts.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement> Fields { get; set; } = [];

    /// <summary>The caller's session, which is no field of the profile.</summary>
    [JsonIgnore]
    public string? SessionId => Text(Fields, "sessionId", null);

    public IEnumerable<string> Problems() =>
        WrongTexts(Fields, Texts)
            .Concat(
                Fields.GetValueOrDefault("dob") is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } dob && !IsInteger(dob)
                    ? ["dob has the wrong type"] : [])
            .Concat(Fields.GetValueOrDefault("address") is var address && address.ValueKind is JsonValueKind.Object
                ? WrongTexts(FieldsOf(address), AddressLines)
                : address.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? [] : ["address has the wrong type"]);

    /// <returns>The complete new profile; 400 when it is not valid.</returns>
    public Outcome<ProfileChange> Apply(Profile profile)
    {
        var change = new ProfileChange(
            Text(Fields, "fullName", profile.FullName),
            Text(Fields, "email", profile.Email),
            Text(Fields, "phone", profile.Phone),
            Text(Fields, "gender", profile.Gender),
            !Fields.TryGetValue("dob", out var dob) ? profile.Dob : dob.ValueKind is JsonValueKind.Null ? null : dob.GetInt64(),
            Text(Fields, "trn", profile.Trn),
            !Fields.TryGetValue("address", out var address) ? profile.Address
                : address.ValueKind is JsonValueKind.Null ? null
                : Merge(FieldsOf(address), profile.Address),
            SessionId: null);
        return string.Join(", ", change.Problems()) is { Length: > 0 } problems
            ? ApiError.InvalidRequest($"Invalid request: {problems}")
            : change;
    }

    private static ProfileAddress Merge(Dictionary<string, JsonElement> lines, ProfileAddress? address) => new()
    {
        StreetAddress = Text(lines, "streetAddress", address?.StreetAddress),
        StreetAddress2 = Text(lines, "streetAddress2", address?.StreetAddress2),
        City = Text(lines, "city", address?.City),
        Parish = Text(lines, "parish", address?.Parish),
        PostalCode = Text(lines, "postalCode", address?.PostalCode),
    };

    private static string? Text(Dictionary<string, JsonElement> fields, string name, string? unchanged) =>
        fields.TryGetValue(name, out var value) ? value.GetString() : unchanged;

    /// <summary>Reads each string, because text with half of a surrogate pair is found only by reading it.</summary>
    private static IEnumerable<string> WrongTexts(Dictionary<string, JsonElement> fields, string[] names) => names
        .Where(name => fields.TryGetValue(name, out var value)
            && (value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null)
                || (value.GetString() is null && value.ValueKind is JsonValueKind.String)))
        .Select(name => $"{name} has the wrong type");

    private static bool IsInteger(JsonElement value) => value.ValueKind is JsonValueKind.Number && value.TryGetInt64(out _);

    private static Dictionary<string, JsonElement> FieldsOf(JsonElement value)
    {
        var fields = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var property in value.EnumerateObject())
        {
            fields[property.Name] = property.Value;
        }

        return fields;
    }
}
