{% macro typed_column(column, type, day_first=none) %}
    {#- A column of source text as what its type in source_columns says.

        Types: `text`; `id` and `salesforce_id` (see clean_id, salesforce_id_18); `reference` (an id, bare or in an object
        around it); `list` and `object` (text, not looked into yet); `decimal`, `integer`, `amount` (see to_decimal),
        `rate` (ten decimals); `boolean`; `date` and `timestamp`. day_first: an expression that tells whether the
        column writes days before months. -#}
    {%- if type in ('text', 'list', 'object') -%}
        {{- account_mapping.clean_text(column) -}}
    {%- elif type == 'id' -%}
        {{- account_mapping.clean_id(column) -}}
    {%- elif type == 'salesforce_id' -%}
        {{- account_mapping.salesforce_id_18(column) -}}
    {%- elif type == 'reference' -%}
        {{- account_mapping.clean_id(account_mapping.object_field(column, ['value', 'id'], otherwise_itself=true)) -}}
    {%- elif type in ('amount', 'decimal') -%}
        {{- account_mapping.to_decimal(column) -}}
    {%- elif type == 'rate' -%}
        {{- dbt.safe_cast(account_mapping.clean_text(column), 'decimal(28, 10)') -}}
    {%- elif type == 'integer' -%}
        {{- account_mapping.to_integer(column) -}}
    {%- elif type == 'boolean' -%}
        {{- account_mapping.to_boolean(column) -}}
    {%- elif type == 'date' -%}
        {{- account_mapping.to_date(column, day_first) -}}
    {%- else -%}
        {{- account_mapping.to_timestamp(column, day_first) -}}
    {%- endif -%}
{% endmacro %}
