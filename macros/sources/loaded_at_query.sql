{% macro loaded_at_query(source_name, table_name) %}
    {#- When a source table was last loaded, for `dbt source freshness`: one row, one timestamp in UTC.

        Fivetran's and Airbyte's own columns come first, then when the CRM last changed a row, which is what exports
        have; those of var account_mapping__column_candidates[source][table].loaded_at before all. Where there is no
        such table or column, freshness is off: the query answers now, and says so in the log, since no other answer
        of a freshness query counts as neither fresh nor stale. -#}
    {%- set relation = account_mapping.source_table(source_name, table_name) if execute else none -%}
    {%- set present = {} -%}
    {%- if relation -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do present.update({account_mapping.column_key(column.name): [column]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set extra = account_mapping.extra_candidates(source_name, table_name) -%}
    {%- set reading = account_mapping._reading(present, [
        '_fivetran_synced', '_airbyte_extracted_at', '_airbyte_emitted_at', '_dlt_loaded_at', '_sdc_batched_at',
        'system_modstamp', 'last_modified_date', 'property_hs_lastmodifieddate', 'properties_hs_lastmodifieddate',
        'hs_lastmodifieddate', 'modifiedon', 'update_time', 'updated_at',
    ], exact_names=account_mapping.as_list(extra.get('loaded_at'))) -%}
    {%- if reading['expressions'] -%}
        {{- return("select max(" ~ account_mapping.to_timestamp(reading['expressions'][0]) ~ ") from " ~ relation) -}}
    {%- endif -%}
    {%- if execute -%}
        {%- do log("account_mapping: freshness of " ~ source_name ~ "." ~ table_name ~ " is not known: "
            ~ ("no column tells when it was loaded; name one as loaded_at in var account_mapping__column_candidates"
                if relation else "there is no such table"), info=true) -%}
    {%- endif -%}
    {{- return("select " ~ current_timestamp()) -}}
{% endmacro %}
