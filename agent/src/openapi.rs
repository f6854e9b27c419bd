//! The API as an OpenAPI document, for `strongroom openapi`.

/// OpenAPI 3.1.
pub const DOCUMENT: &str = include_str!("openapi.json");

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use strongroom::{answer::Problem, operation::OperationName};

    use super::*;

    /// The document is written by hand; this is what keeps it true.
    #[test]
    fn it_names_every_operation_and_every_problem() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let schemas = &document["components"]["schemas"];
        let operations: Vec<Value> = OperationName::ALL
            .iter()
            .map(|name| Value::from(name.to_string()))
            .collect();
        assert_eq!(
            schemas["Request"]["properties"]["operation"]["enum"],
            Value::from(operations.clone())
        );
        for operation in operations {
            assert!(
                schemas[operation.as_str().unwrap()].is_object(),
                "{operation} has an input"
            );
        }
        let types: Vec<_> = Problem::ALL
            .iter()
            .map(|problem| Value::from(problem.type_uri()))
            .collect();
        assert_eq!(
            schemas["Problem"]["properties"]["type"]["enum"],
            Value::from(types)
        );
        let mut statuses: Vec<_> = Problem::ALL
            .iter()
            .map(|problem| Value::from(problem.status().as_u16()))
            .collect();
        statuses.dedup_by(|later, earlier| later == earlier);
        assert_eq!(
            schemas["Problem"]["properties"]["status"]["enum"],
            Value::from(statuses)
        );
    }
}
