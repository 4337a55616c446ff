{{ config(
    materialized='view',
    enabled='dynamics_365' in var('account_mapping__crms', []),
) }}

with

stringmaps as (

    select * from {{ ref('stg_account_mapping__dynamics_365_stringmaps') }}

),

ranked as (

    -- 1033 is English, the language of the words that Dynamics itself gives states;
    -- 1 and 3 are the fixed type codes of the two tables
    select
        case table_name
            when '1' then 'account'
            when '3' then 'opportunity'
            else table_name
        end as table_name,
        column_name,
        code,
        label,
        row_number() over (
            partition by
                case table_name
                    when '1' then 'account'
                    when '3' then 'opportunity'
                    else table_name
                end,
                column_name,
                code
            order by
                case when language_id = '1033' then 0 else 1 end,
                label
        ) as row_rank

    from stringmaps
    where
        is_current_version
        and not is_deleted
        and label is not null

),

final as (

    select
        table_name,
        column_name,
        code,
        label

    from ranked
    where row_rank = 1

)

select * from final
