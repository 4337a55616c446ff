with

contact_rows as (

    select * from {{ ref('int_account_mapping__contact_rows') }}

),

-- what a person is called or can be reached by stays in the loader's tables
final as (

    select
        source_relation,
        source_table,
        source_contact_id,
        source_account_id,
        updated_at,
        extracted_at,
        row_problem,
        notes,
        version_rank,
        record_state,
        is_lead

    from contact_rows

)

select * from final
