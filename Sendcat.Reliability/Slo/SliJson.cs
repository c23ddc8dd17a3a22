using System.Text.Json.Serialization;

namespace Sendcat.Reliability.Slo;

[JsonSerializable(typeof(IReadOnlyDictionary<string, long>))]
[JsonSerializable(typeof(Dictionary<string, long>))]
internal sealed partial class SliJson : JsonSerializerContext;
