{% macro ranked_records(relation, key, columns) %}
    {#- The rows of a relation with `version_rank`, 1 for the row that counts of each record, and `record_state`:
        `rejected` (no record; without a rank), `older`, `deleted` or `current`.

        Of the versions of a record the one counts that its loader did not close, then the one updated last, then the
        one extracted last, then a deleted one, then the one whose columns come first in their order: the same row of
        any order and number of rows. A record of which a loader closed every version was deleted.
        key: columns that make one record. columns: those by which equal versions are ordered. -#}
    {%- set doubled -%}
        (select {{ key | join(', ') }} from {{ relation }} where row_problem is null
        group by {{ key | join(', ') }} having count(*) > 1)
    {%- endset -%}
    {%- set same_key -%}
        {%- for column in key -%}
            {{ 'records.' ~ column ~ ' is not distinct from doubled.' ~ column }}{{ ' and ' if not loop.last }}
        {%- endfor -%}
    {%- endset %}
    -- most records have one row only, and ordering by all columns is dear
    select
        ranked.*,
        case
            when row_problem is not null then 'rejected'
            when version_rank > 1 then 'older'
            when is_deleted or not is_current_version then 'deleted'
            else 'current'
        end as record_state
    from (
        select
            records.*,
            case when records.row_problem is null then 1 end as version_rank
        from {{ relation }} as records
        where not exists (select 1 from {{ doubled }} as doubled where {{ same_key }}) or records.row_problem is not null
        union all
        select
            records.*,
            cast(row_number() over (
                partition by {{ key | join(', ') }}
                order by
                    is_current_version desc, updated_at desc nulls last, extracted_at desc nulls last, is_deleted desc
                    {%- for column in columns if column not in key + ['updated_at', 'extracted_at', 'is_deleted'] -%}
                    , {{ column }} nulls last
                    {%- endfor %}
            ) as bigint) as version_rank
        from {{ relation }} as records
        where exists (select 1 from {{ doubled }} as doubled where {{ same_key }}) and records.row_problem is null
    ) as ranked
{% endmacro %}
