with

our_units as (

    select * from {{ ref('int_account_mapping__our_units') }}

),

listed_units as (

    select * from {{ ref('int_account_mapping__listed_units') }}

),

final as (

    select distinct
        lists,
        'all' as target_list

    from our_units

    union

    select
        our_units.lists,
        listed_units.list_name as target_list

    from our_units
    inner join listed_units
        on
            our_units.scope = listed_units.scope
            and our_units.rollup = listed_units.rollup
            and our_units.unit_id = listed_units.unit_id

)

select * from final
