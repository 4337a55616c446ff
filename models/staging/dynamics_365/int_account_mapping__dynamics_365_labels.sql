{{ config(
    materialized='view',
    enabled=account_mapping.uses_crm('dynamics_365'),
) }}

with

stringmaps as (

    select * from {{ ref('stg_account_mapping__dynamics_365_stringmaps') }}

),

ranked_stringmaps as (

    {{ account_mapping.ranked_records(
        'stringmaps', ['source_relation', 'table_name', 'column_name', 'code', 'language_id'], ['label']
    ) | indent(4) }}

),

-- 1 and 3 are the fixed type codes of the two tables
named as (

    select
        source_relation,
        case table_name
            when '1' then 'account'
            when '3' then 'opportunity'
            else table_name
        end as table_name,
        column_name,
        code,
        label,
        language_id

    from ranked_stringmaps
    where
        record_state = 'current'
        and label is not null

),

ranked as (

    -- 1033 is English, the language of the words that Dynamics itself gives states
    select
        *,
        row_number() over (
            partition by source_relation, table_name, column_name, code
            order by
                case when language_id = '1033' then 0 else 1 end,
                label
        ) as row_rank

    from named

),

final as (

    select
        source_relation,
        table_name,
        column_name,
        code,
        label

    from ranked
    where row_rank = 1

)

select * from final
