with

opportunities as (

    select * from {{ ref('int_account_mapping__opportunities') }}
    where account_id is not null

),

-- a deal that was created after it closed was entered late: how long it took is unknown; squares of more than 15 digits
-- do not fit a decimal
measured as (

    select
        account_id,
        is_won,
        is_open,
        converted_amount,
        case when is_won and abs(converted_amount) < 1000000000000000 then converted_amount end as deal_size,
        case
            when is_won and close_date >= created_date
                then {{ dbt.datediff('created_date', 'close_date', 'day') }}
        end as days_to_close

    from opportunities

),

final as (

    -- sums of squares in decimals: exact in any order, and what is not in one group is the whole less the others. To a
    -- product of two decimals of up to 18 digits DuckDB gives 18 digits too, so one of them is wider
    select
        account_id,
        count(case when not is_open then 1 end) as closed_deals,
        count(case when is_won then 1 end) as won_deals,
        count(case when is_open then 1 end) as open_deals,
        {% for measure, (type, wider) in {
            'deal_size': ('decimal(17, 2)', 'decimal(19, 2)'), 'days_to_close': ('decimal(10, 0)', 'decimal(19, 0)'),
        }.items() -%}
        count({{ measure }}) as {{ measure }}_deals,
        cast(coalesce(sum(cast({{ measure }} as {{ type }})), 0) as decimal(38, 4)) as {{ measure }}_sum,
        cast(
            coalesce(sum(cast({{ measure }} as {{ type }}) * cast({{ measure }} as {{ wider }})), 0) as decimal(38, 4)
        ) as {{ measure }}_squares,
        {% endfor -%}
        cast(sum(case when is_won then coalesce(converted_amount, 0) else 0 end) as decimal(28, 2)) as won_amount

    from measured
    group by account_id

)

select * from final
